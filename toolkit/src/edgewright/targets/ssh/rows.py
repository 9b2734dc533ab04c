"""What a line of a board may be: its fields, their types, how long and how many. Nothing else
passes: what is in a row that did can be shown on a terminal and written into a record.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, get_args

from edgewright.text_table import one_line
from edgewright_runtimes.errors import EdgewrightError
from edgewright_runtimes.protocol import PROTOCOL
from edgewright_runtimes.records import Stage

Row = dict[str, Any]
Check = Callable[[Any], Any]
MAX_COUNT = 2**53
MAX_WORDS = 500  # characters of a text that are kept
MAX_ENTRIES = 1_000
MAX_NAMES = 100  # of a table: each has a text that long
MAX_RANK = 16


class BadRow(EdgewrightError):
    """A line that is no row of the protocol."""


def read_row(line: bytes) -> Row:
    """One row, with the fields that it must have and no other. Raises ``BadRow``."""
    try:
        message = json.loads(line, parse_constant=_refuse)  # NaN and Infinity are none of JSON's
    except (ValueError, RecursionError) as e:
        raise BadRow(f"the board wrote what is no JSON: {_text(e)}") from None
    if not isinstance(message, dict) or message.get("protocol") != PROTOCOL:
        raise BadRow(
            f"the board wrote what is no row of protocol {PROTOCOL}: {_text(message)}",
            hint="edgewright devices probe says what runs there",
        )
    name = message.get("row")
    fields = FIELDS.get(name) if isinstance(name, str) else None
    if fields is None:
        raise BadRow(f"the board wrote a row {_text(repr(name))}, which is none")
    try:
        values = {field: check(message.get(field)) for field, check in fields.items()}
    except (ArithmeticError, ValueError) as e:
        raise BadRow(f"the board wrote a row {name!r} that is none: {_text(e)}") from None
    return {"protocol": PROTOCOL, "row": name, **values}


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is no number")


def _text(value: object) -> str:
    return one_line(str(value)[:MAX_WORDS])


def _words(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    return _text(value)


def _maybe_words(value: Any) -> str:
    return "" if value is None else _words(value)


def _data(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("data that is no text")
    return value


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_COUNT:
        raise ValueError(f"{value!r} is no count")
    return value


def _positive(value: Any) -> int:
    if _count(value) < 1:
        raise ValueError("0 is too few")
    return int(value)


def _maybe_count(value: Any) -> int | None:
    return None if value is None else _count(value)


def _code(value: Any) -> int | None:
    """Of a process: negative where a signal ended it."""
    if value is None or (isinstance(value, int) and abs(value) < 1_000):
        return value
    raise ValueError(f"{value!r} is no exit code")


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is neither true nor false")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is no number")
    if not -MAX_COUNT <= value <= MAX_COUNT:  # exact for whole numbers, and false for NaN
        raise ValueError(f"{value!r} is out of bounds")
    return value


def _amount(value: Any) -> float:
    if _number(value) < 0:
        raise ValueError(f"{value!r} is below 0")
    return float(value)


def _one_of(*words: str) -> Check:
    def check(value: Any) -> str:
        if value not in words:
            raise ValueError(f"{value!r} is none of {', '.join(words)}")
        return str(value)

    return check


def _reading(value: Any) -> dict[str, str | int | float]:
    """Of the machine: what is known, each of its type, for it is reckoned with. The rest is left
    out, as is what has no value."""
    if not isinstance(value, Mapping):
        raise ValueError("a table was expected")
    known = {name: ENVIRONMENT[name] for name in value if name in ENVIRONMENT}
    return {name: check(value[name]) for name, check in known.items() if value[name] is not None}


def _table(check: Check) -> Check:
    def check_all(value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping) or len(value) > MAX_NAMES:
            raise ValueError(f"a table was expected, of {MAX_NAMES} entries at most")
        return {_text(name): check(one) for name, one in value.items()}

    return check_all


def _list(check: Check, most: int = MAX_ENTRIES) -> Check:
    def check_all(value: Any) -> list[Any]:
        if not isinstance(value, list) or len(value) > most:
            raise ValueError(f"a list was expected, of {most} entries at most")
        return [check(one) for one in value]

    return check_all


def _spec(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError("a tensor was expected")
    shape = _list(_maybe_count, MAX_RANK)(value.get("shape"))
    return {"name": _words(value.get("name")), "dtype": _words(value.get("dtype")), "shape": shape}


NUMBERS = (
    "work_ns", "temperature_c", "frequency_mhz", "clock_mhz", "memory_total_bytes",
    "memory_available_bytes", "swap_bytes", "load_1m", "cores", "seconds",
)  # fmt: skip
WORDS = (
    "governor", "frequency_driver", "throttled", "throttled_since_boot", "under_voltage", "busy",
    "cpu", "cpu_features", "architecture", "kernel", "python", "edgewright", "platform", "unknown",
)  # fmt: skip
# of a reading of the machine (edgewright_runtimes.environment)
ENVIRONMENT: Mapping[str, Check] = {
    **dict.fromkeys(NUMBERS, _number),
    **dict.fromkeys(WORDS, _words),
}
FIELDS: Mapping[str, Mapping[str, Check]] = {
    # of the worker
    "loaded": {
        "load_ns": _count,
        "in_force": _table(_words),
        "inputs": _list(_spec),
        "outputs": _list(_spec),
    },
    "first": {"ns": _count},
    "environment": {"when": _one_of("before", "during", "after"), "values": _reading},
    "samples": {
        "file": _words,
        "warmup_samples": _count,
        "calls_per_sample": _positive,
        "partial": _flag,
    },
    "memory": {"peak_bytes": _maybe_count, "before_bytes": _maybe_count},
    "outputs": {"file": _words},
    "progress": {"done": _amount, "of": _amount},
    "failure": {"stage": _one_of(*get_args(Stage)), "error": _words, "hint": _maybe_words},
    "done": {},
    # of the agent
    "waiting": {"owner": _maybe_words, "since": _maybe_words},
    "waited": {},
    "busy": {"owner": _maybe_words, "since": _maybe_words},
    "missing": {"names": _list(_words)},
    "starting": {},
    "started": {"stale": _maybe_words},
    "file": {"name": _words, "at": _count, "of": _count, "data": _data},
    "trouble": {"error": _words, "hint": _maybe_words},
    "ended": {"code": _code, "why": _maybe_words, "log": _maybe_words},
}
AGENT_ROWS = frozenset(
    {"waiting", "waited", "busy", "missing", "starting", "started", "file", "trouble", "ended"}
)
