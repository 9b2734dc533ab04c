"""The same input through the source and through every TFLite and ONNX artifact of it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.converters.nets import NETS, KerasSource, build, feeds_for

from edgewright_converters.formats import onnx, tflite
from edgewright_converters.formats.format import Calibration, WriteRequest, Written
from edgewright_converters.tolerances import judge
from edgewright_runtimes.model import load
from edgewright_runtimes.records import SCHEMES, Format, Variant

pytestmark = pytest.mark.filterwarnings("default")  # TensorFlow's, tf2onnx' and ORT's own

FORMATS: tuple[Format, ...] = ("tflite", "onnx")
WRITERS: dict[str, Any] = {"tflite": tflite, "onnx": onnx}
REFUSED = ("attention", "tflite", "int16x8")  # integer inputs: test_tflite_writer.py
TRIED = [
    (name, format_, scheme)
    for name in ("conv", "residual", "several", "attention")
    for format_ in FORMATS
    for scheme in SCHEMES[format_]
    if scheme != "float32" and (name, format_, scheme) != REFUSED
]


@cache
def net(name: str) -> tuple[KerasSource, dict[str, Any], dict[str, Any]]:
    """A source, feeds for it, and its answers."""
    source = build(name)
    feeds = feeds_for(source, items=16)
    return source, feeds, source.predict(feeds)


def write(name: str, format_: Format, scheme: str, folder: Path) -> Written:
    source, feeds, _ = net(name)
    request = WriteRequest(
        variant=Variant(format=format_, scheme=scheme),
        batch=1 if format_ == "tflite" else None,
        calibration=Calibration(feeds=feeds),
    )
    written: Written = WRITERS[format_].write(source, request, folder)
    return written


def answers(name: str, written: Written, folder: Path) -> dict[str, Any]:
    _, feeds, expected = net(name)
    with load(folder / written.file) as model:
        got = model.predict(feeds if len(feeds) > 1 else next(iter(feeds.values())))
    return dict(got) if isinstance(got, dict) else {next(iter(expected)): got}


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("name", NETS)
def test_float32_computes_what_the_source_does(name: str, format_: Format, tmp_path: Path) -> None:
    source, _, expected = net(name)
    written = write(name, format_, "float32", tmp_path)
    assert [s.name for s in written.inputs] == [s.name for s in source.signature.inputs]
    assert [s.name for s in written.outputs] == [s.name for s in source.signature.outputs]
    got = answers(name, written, tmp_path)
    for output, values in expected.items():
        np.testing.assert_allclose(got[output], values, atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize(("name", "format_", "scheme"), TRIED)
def test_every_scheme_stays_within_its_tolerance(
    name: str, format_: Format, scheme: str, tmp_path: Path
) -> None:
    expected = net(name)[2]
    written = write(name, format_, scheme, tmp_path)
    judgement = judge(scheme, expected, answers(name, written, tmp_path), real=True)
    assert judgement.ok, judgement.words
