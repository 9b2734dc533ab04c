"""Shards and their manifest: what goes out comes back, and what is broken is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewright_converters.errors import ConversionError
from edgewright_converters.tfjs_graph import weights
from edgewright_converters.tfjs_graph.graph import constant
from edgewright_converters.tfjs_graph.read import read_weights
from edgewright_converters.tfjs_graph.weights import write_weights
from edgewright_runtimes.errors import BadInput


def round_trip(values: Any, scheme: str, folder: Path) -> tuple[Any, weights.Manifest]:
    manifest = write_weights([constant("w", values)], scheme, folder)
    return read_weights(folder, {"weightsManifest": manifest.groups})["w"], manifest


@pytest.mark.parametrize(
    "values",
    [
        np.array([1.5, -2.0], np.float64),
        np.array([[1], [-7]], np.int64),
        np.array([True, False]),
        np.zeros((0, 3), np.float32),
        np.float32(3.25),
        np.array([np.inf, np.nan], np.float32),
    ],
    ids=str,
)
def test_values_survive_in_the_dtypes_of_tfjs(values: Any, tmp_path: Path) -> None:
    got, _ = round_trip(np.asarray(values), "float32", tmp_path)
    assert got.dtype.name in ("float32", "int32", "bool")
    np.testing.assert_array_equal(got, values)


@settings(max_examples=60, deadline=None)
@given(
    low=st.floats(-1e6, 1e6, width=32),
    high=st.floats(-1e6, 1e6, width=32),
    scheme=st.sampled_from(["uint8", "uint16"]),
)
def test_affine_weights_are_off_by_half_a_step_and_zero_stays_zero(
    low: float, high: float, scheme: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    values = np.linspace(low, high, 50, dtype=np.float32)
    values[10] = 0 if min(low, high) <= 0 <= max(low, high) else values[10]
    got, _ = round_trip(values, scheme, tmp_path_factory.mktemp("w"))
    spread = float(values.max()) - float(values.min())
    step = spread / np.iinfo(scheme).max
    # the nudge that keeps zero exact may cost the ends half a step more
    assert np.abs(got - values).max() <= step * 1.01 + 1e-6 * np.abs(values).max()
    assert np.all(got[values == 0] == 0)


@pytest.mark.parametrize("scheme", ["float16", "uint8", "uint16"])
def test_a_weight_that_a_scheme_can_not_hold_stays_float32(scheme: str, tmp_path: Path) -> None:
    values = np.array([-np.inf, 1.0], np.float32)
    got, manifest = round_trip(values, scheme, tmp_path)
    np.testing.assert_array_equal(got, values)
    assert manifest.kept == ("w",)


def test_a_mask_beyond_float16_stays_float32(tmp_path: Path) -> None:
    got, manifest = round_trip(np.array([-1e9, 0.1], np.float32), "float16", tmp_path)
    assert got[0] == np.float32(-1e9) and manifest.kept == ("w",)


def test_an_integer_beyond_int32_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=r"'w' \(int64\) does not fit int32"):
        round_trip(np.array([2**40]), "float32", tmp_path)


def test_shards_are_cut_at_4_mib_wherever_a_weight_ends(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    first = rng.normal(size=(700_001,)).astype(np.float32)
    second = rng.normal(size=(1300, 1000)).astype(np.float32)
    manifest = write_weights(
        [constant("first", first), constant("second", second)], "float32", tmp_path
    )
    sizes = [(tmp_path / str(p)).stat().st_size for p in manifest.groups[0]["paths"]]  # type: ignore[attr-defined]
    assert sizes == [4 * 2**20, first.nbytes + second.nbytes - 4 * 2**20]
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "group1-shard1of2.bin",
        "group1-shard2of2.bin",
    ]
    got = read_weights(tmp_path, {"weightsManifest": manifest.groups})
    np.testing.assert_array_equal(got["first"], first)
    np.testing.assert_array_equal(got["second"], second)


def broken(change: str, group: dict[str, Any]) -> dict[str, Any]:
    weight = group["weights"][0]
    if change == "outside":
        return {**group, "paths": ["../outside.bin"]}
    if change == "absolute":
        return {**group, "paths": ["/etc/hostname"]}
    if change == "missing":
        return {**group, "paths": ["nowhere.bin"]}
    if change == "huge":
        return {**group, "weights": [{**weight, "shape": [2**62, 2**62]}]}
    if change == "negative":
        return {**group, "weights": [{**weight, "shape": [-1]}]}
    if change == "dtype":
        return {**group, "weights": [{**weight, "dtype": "float128"}]}
    if change == "scale":
        quantization = {"dtype": "uint8", "scale": "1", "min": 0}
        return {**group, "weights": [{**weight, "quantization": quantization}]}
    return {**group, "weights": 7}


@pytest.mark.parametrize(
    "change",
    ["outside", "absolute", "missing", "huge", "negative", "dtype", "scale", "not a list"],
)
def test_a_broken_manifest_is_refused(change: str, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "outside.bin").write_bytes(bytes(8))
    manifest = write_weights([constant("w", np.ones(2, np.float32))], "float32", folder)
    group = json.loads(json.dumps(manifest.groups[0]))
    with pytest.raises(BadInput):
        read_weights(folder, {"weightsManifest": [broken(change, group)]})


def test_a_truncated_shard_is_refused(tmp_path: Path) -> None:
    manifest = write_weights([constant("w", np.ones(2, np.float32))], "float32", tmp_path)
    (tmp_path / "group1-shard1of1.bin").write_bytes(bytes(5))
    with pytest.raises(BadInput, match="the manifest wants 8 bytes, the shards have 5"):
        read_weights(tmp_path, {"weightsManifest": manifest.groups})
