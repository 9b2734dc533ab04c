"""What every test may ask for: real models by name; and no skip that nobody expected."""

from __future__ import annotations

import fnmatch
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

# A shell that starts the tests in the background has them ignore Ctrl-C, and all they start too.
signal.signal(signal.SIGINT, signal.default_int_handler)

_unexpected: list[str] = []


@pytest.fixture
def real() -> Callable[[str], Path]:
    """A file of the collection of real models, or a skip that says which one is missing."""
    return real_file


def real_file(name: str) -> Path:
    root = os.environ.get("EDGEWRIGHT_REAL")
    path = Path(root or "/nonexistent") / name
    if not path.exists():
        pytest.skip(f"real file absent: {name} (set EDGEWRIGHT_REAL)")
    return path


def _allowed() -> list[tuple[str, str]]:
    path = os.environ.get("EDGEWRIGHT_ALLOWED_SKIPS")
    lines = Path(path).read_text().splitlines() if path else []
    pairs = (line.split(" | ", 1) for line in lines if line and not line.startswith("#"))
    return [(test.strip(), reason.strip()) for test, reason in pairs]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Where a list of allowed skips is named, every other skip fails the run."""
    if not report.skipped or "EDGEWRIGHT_ALLOWED_SKIPS" not in os.environ:
        return
    if hasattr(report, "wasxfail"):
        return
    reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
    reason = reason.removeprefix("Skipped: ")
    for test, allowed in _allowed():
        if fnmatch.fnmatch(report.nodeid, test) and fnmatch.fnmatch(reason, allowed):
            return
    _unexpected.append(f"{report.nodeid}: {reason}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    if _unexpected and not hasattr(session.config, "workerinput"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in _unexpected:
        terminalreporter.write_line(f"UNEXPECTED SKIP {line}", red=True)
