"""Resolve every combination of Python, distribution and extra from the wheels alone.

    python scripts/resolve.py [WHEELS]      (builds the wheels without one)

No lock file, no constraint by hand: what ``pip install`` of a stranger meets. Prints a table;
exit 1 where a result is not the expected one.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from wheels import PYTHONS, build, uv

SHOWN = ("tensorflow", "numpy", "keras")
RUNTIMES = "edgewright-runtimes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination:
    """``must`` has to be in the result, ``never`` may not: ``name``, or ``name==1.`` (a start)."""

    python: str
    requirement: str
    with_: tuple[str, ...] = ()
    lowest: bool = False
    must: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    impossible: str = ""  # the reason why no result is the right one

    @property
    def name(self) -> str:
        asked = ", ".join((self.requirement, *self.with_))
        return f"{asked} (lowest)" if self.lowest else asked


def combinations() -> Iterator[Combination]:
    for python in PYTHONS:
        yield Combination(
            python=python,
            requirement="edgewright",
            must=("tensorflow==2.21.", "edgewright-converters", "ai-edge-litert", "onnxruntime"),
            never=("tensorflowjs",),
        )
        yield from _tfjs(python)
        yield from _runtimes(python)


def _tfjs(python: str) -> Iterator[Combination]:
    if python == "3.13":  # its markers leave the extra empty there: harmless
        must, never = ("tensorflow==2.21.",), ("tensorflowjs", "ydf")
    else:
        must, never = ("tensorflow==2.19.", "tensorflowjs==4.22.", "ydf==0.15.", "numpy==2."), ()
    yield Combination(python=python, requirement="edgewright[tfjs]", must=must, never=never)


def _runtimes(python: str) -> Iterator[Combination]:
    never = ("tensorflow", "keras", "onnx", "scipy")
    old_numpy = python != "3.13"  # numpy 1.26 has no wheel for 3.13
    yield Combination(python=python, requirement=RUNTIMES, must=("numpy==2.",), never=never)
    yield Combination(
        python=python,
        requirement=RUNTIMES,
        lowest=True,
        must=("numpy==1.26.0",) if old_numpy else ("numpy",),
        never=never,
    )
    for extra, package in (("litert", "ai-edge-litert"), ("onnx", "onnxruntime")):
        asked = f"{RUNTIMES}[{extra}]"
        must = (package, "numpy==2.")
        yield Combination(python=python, requirement=asked, must=must, never=never)
        yield Combination(
            python=python,
            requirement=asked,
            with_=("numpy<2",),
            must=(package, "numpy==1.26."),
            never=never,
            impossible="" if old_numpy else "numpy 1.26 has no wheel for 3.13",
        )
    there = python in ("3.10", "3.11")
    yield Combination(
        python=python,
        requirement=f"{RUNTIMES}[tflite]",
        must=("tflite-runtime==2.14.", "numpy==1.26.") if there else ("numpy==2.",),
        never=never if there else (*never, "tflite-runtime"),
    )


def resolve(wheels: Path, case: Combination) -> tuple[dict[str, str], str]:
    """The versions by name; or none, and uv's last words."""
    words = ["--quiet", "--no-header", "--no-annotate", "--only-binary", ":all:"]
    words += ["--resolution", "lowest"] if case.lowest else []
    words += ["--python-version", case.python, "--python-platform", "x86_64-manylinux_2_35"]
    requirements = "\n".join((case.requirement, *case.with_)) + "\n"
    done = uv("pip", "compile", *words, "--find-links", wheels, "-", stdin=requirements)
    if done.returncode:
        return {}, " ".join(done.stderr.split())[-200:]
    return dict(re.findall(r"(?m)^([\w.-]+)==(\S+)", done.stdout)), ""


def holds(found: dict[str, str], wanted: str) -> bool:
    name, _, start = wanted.partition("==")
    return name in found and found[name].startswith(start)


def unexpected(case: Combination, found: dict[str, str], reason: str) -> str:
    if case.impossible:
        return "resolved, although " + case.impossible if found else ""
    if not found:
        return f"did not resolve: {reason}"
    wrong = [f"no {w}" for w in case.must if not holds(found, w)]
    wrong += [f"{w} is there" for w in case.never if holds(found, w)]
    return ", ".join(wrong)


def row(case: Combination, found: dict[str, str], problem: str) -> str:
    versions = [found.get(name, "") for name in SHOWN]
    result = f"UNEXPECTED: {problem}" if problem else case.impossible or "resolves"
    return f"| {case.python} | {case.name} | {result} | {' | '.join(versions)} |"


def table(wheels: Path) -> tuple[list[str], int]:
    """The rows, and how many results were not the expected ones."""
    cases = list(combinations())
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda case: resolve(wheels, case), cases))
    problems = [unexpected(c, *result) for c, result in zip(cases, results, strict=True)]
    rows = [f"| Python | requirement | result | {' | '.join(SHOWN)} |", "|---|---|---" * 2 + "|"]
    for case, (found, _), problem in zip(cases, results, problems, strict=True):
        rows.append(row(case, found, problem))
    return rows, sum(map(bool, problems))


def main() -> int:
    with tempfile.TemporaryDirectory() as temporary:
        wheels = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else Path(temporary)
        if len(sys.argv) == 1:
            build(wheels)
        rows, wrong = table(wheels)
    print("\n".join(rows))
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
