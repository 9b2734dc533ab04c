"""The process that trains, as it is driven: a Ctrl-C is passed on, wherever it was met."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from edgewright.compression.process import Refused, Stopped, Training
from edgewright_converters.compression.job import CompressJob

CHILD = """
import json, signal, sys, time
def say(**row): print(json.dumps(row), flush=True)
sys.stdin.readline()
say(row="opened", inputs=[{"name": "x", "dtype": "float32", "shape": [None, 4]}])
try:
    sys.stdin.readline()
    say(row="progress")
    time.sleep(60)
except KeyboardInterrupt:
    say(row="interrupted", words="epoch 1 is kept")
"""
REFUSES = """
import json
print(json.dumps({"row": "failure", "error": "no", "exit_code": 2, "number": 1, "field": "loss"}))
"""


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def start(program: str) -> Training:
        script = tmp_path / "child.py"
        script.write_text(program)
        monkeypatch.setattr(
            "edgewright.compression.process._argv", lambda: [sys.executable, str(script)]
        )
        job = CompressJob(source="m.keras", steps=(), folders=())
        return Training(job, log=tmp_path / "log")

    return start


def test_ctrl_c_while_a_row_is_shown_stops_in_good_order(started: Any) -> None:
    training = started(CHILD)

    def tell(row: Mapping[str, Any]) -> None:
        raise KeyboardInterrupt

    try:
        (spec,) = training.open()
        assert (spec.name, spec.shape) == ("x", (None, 4))
        with pytest.raises(Stopped, match="epoch 1 is kept"):
            training.run(latencies=None, tell=tell)
    finally:
        training.close()


def test_what_is_refused_has_its_step_and_field(started: Any) -> None:
    training = started(REFUSES)
    try:
        with pytest.raises(Refused) as error:
            training.open()
    finally:
        training.close()
    assert (error.value.number, error.value.field, error.value.exit_code) == (1, "loss", 2)
