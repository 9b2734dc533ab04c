"""The step ``cluster``: a handful of values per kernel, kept while it learns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from tests.converters.compression.small import context, net

from edgewright_converters.compression.cluster.centroids import find_centroids, nearest
from edgewright_converters.compression.cluster.step import Cluster, apply, from_label
from edgewright_converters.compression.equalize.step import Equalize
from edgewright_converters.compression.equalize.step import apply as equalize
from edgewright_converters.compression.fields import read_fields
from edgewright_converters.compression.finetune import Finetune
from edgewright_converters.compression.finetune import apply as finetune
from edgewright_converters.compression.prune.step import Prune
from edgewright_converters.compression.prune.step import apply as prune
from edgewright_converters.compression.recipe import parse_name, to_step
from edgewright_converters.compression.training import FinetunePlan
from edgewright_converters.compression.training.kernels import weights_by_name
from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.records import ModelCost, StepRecord

PLAN = FinetunePlan(epochs=3, batch_size=24, learning_rate=1e-2)
COST = ModelCost(parameters=0, nonzero=0, macs=None, size_bytes=0, zipped_bytes=0)


def record(kind: str, params: Any, result: Any) -> StepRecord:
    """As the step's record carries its details to the steps after it."""
    return StepRecord(
        step=to_step(kind, params),
        before=COST,
        after=COST,
        model_sha256="",
        seconds=0.0,
        details=result.details,
    )


def values(model: Any, layer: str) -> Any:
    return np.unique(model.get_layer(layer).kernel.numpy())


@pytest.fixture(scope="module")
def clustered(tmp_path_factory: pytest.TempPathFactory) -> Any:
    params = Cluster(number_of_clusters=4, finetune=PLAN)
    return apply(net(), params, context(tmp_path_factory.mktemp("clustered")))


def test_the_count_is_kept_while_it_learns(clustered: Any, tmp_path: Path) -> None:
    untrained = apply(
        net(), Cluster(number_of_clusters=4), context(tmp_path, train=None, held_back=None)
    )
    for layer in ("first", "second", "head"):
        assert len(values(clustered.model, layer)) <= 4
        assert len(values(untrained.model, layer)) == 4
        assert (values(clustered.model, layer) != values(untrained.model, layer)).any()
    rows = clustered.details["epochs"]
    assert rows[-1]["loss"] < rows[0]["loss"]
    assert untrained.notes == ("no data: done in one shot, without fine-tuning",)


def test_with_a_scale_for_each_channel_relative_magnitudes_are_few(tmp_path: Path) -> None:
    params = Cluster(number_of_clusters=6, channel_scale=True, finetune=PLAN)
    result = apply(net(), params, context(tmp_path))
    for layer in ("first", "second", "head"):
        kernel = result.model.get_layer(layer).kernel.numpy()
        relative = np.abs(kernel) / np.abs(kernel).max(axis=0)
        assert len(np.unique(np.round(relative, 5))) <= 3
        assert len(np.unique(kernel)) > 6


def test_clusters_hold_through_a_later_training(clustered: Any, tmp_path: Path) -> None:
    history = (record("cluster", Cluster(number_of_clusters=4), clustered),)
    later = finetune(clustered.model, Finetune(**vars(PLAN)), context(tmp_path, history=history))
    for layer in ("first", "second", "head"):
        old, new = (m.get_layer(layer).kernel.numpy() for m in (clustered.model, later.model))
        assert len(np.unique(new)) == len(np.unique(old))
        for value in np.unique(old):
            assert len(np.unique(new[old == value])) == 1, "who shared a value shares one"
    assert (values(later.model, "first") != values(clustered.model, "first")).any()


@pytest.mark.parametrize("asked", [None, True, False])
def test_zeros_stay_where_a_prune_stands_before_or_it_is_asked(
    tmp_path: Path, asked: bool | None
) -> None:
    pruned = prune(net(), Prune(), context(tmp_path, train=None))
    history = (record("prune", Prune(), pruned),) if asked is None else ()
    params = Cluster(number_of_clusters=4, preserve_sparsity=asked, finetune=PLAN)
    result = apply(pruned.model, params, context(tmp_path / "c", history=history))
    kernel = result.model.get_layer("first").kernel.numpy()
    assert len(np.unique(kernel)) <= 4, "zero is one of them"
    zero = pruned.model.get_layer("first").kernel.numpy() == 0
    assert (kernel[zero] == 0).all() is np.bool_(asked is not False)
    if asked is not False:
        assert set(result.details["sparse"].values()) == {0.5}


def test_pruned_and_clustered_both_hold(tmp_path: Path) -> None:
    pruned = prune(net(), Prune(), context(tmp_path, train=None))
    history = (record("prune", Prune(), pruned),)
    params = Cluster(number_of_clusters=4)
    both = apply(pruned.model, params, context(tmp_path, train=None, history=history))
    history += (record("cluster", params, both),)
    later = finetune(both.model, Finetune(**vars(PLAN)), context(tmp_path, history=history))
    old, new = (m.get_layer("first").kernel.numpy() for m in (both.model, later.model))
    np.testing.assert_array_equal(new == 0, old == 0)
    assert len(np.unique(new)) <= 4
    assert (new != old).any()


def test_zeros_stay_in_a_separable_convolution_that_a_step_between_has_split(
    tmp_path: Path,
) -> None:
    given = keras.Input((6, 6, 2), name="x")
    x = keras.layers.SeparableConv2D(8, 3, activation="relu", name="sep")(given)
    x = keras.layers.GlobalAveragePooling2D(name="mean")(x)
    model = keras.Model(given, keras.layers.Dense(3, name="head")(x))
    nothing = {"train": None, "held_back": None, "scored": None}
    pruned = prune(model, Prune(), context(tmp_path, **nothing))
    history = (record("prune", Prune(), pruned),)
    split = equalize(pruned.model, Equalize(), context(tmp_path, history=history, **nothing))
    history += (record("equalize", Equalize(), split),)
    assert "sep/kernel" in weights_by_name(split.model)
    result = apply(split.model, Cluster(), context(tmp_path, history=history, **nothing))
    kernel = result.model.get_layer("sep").kernel.numpy()
    assert (kernel == 0).mean() == 0.5
    assert result.details["sparse"] == {"sep/kernel": 0.5, "head/kernel": 0.5}


def test_pruning_after_clustering_keeps_the_groups(clustered: Any, tmp_path: Path) -> None:
    history = (record("cluster", Cluster(number_of_clusters=4), clustered),)
    result = prune(clustered.model, Prune(finetune=PLAN), context(tmp_path, history=history))
    kernel = result.model.get_layer("first").kernel.numpy()
    assert (kernel == 0).mean() == 0.5
    assert np.count_nonzero(np.unique(kernel)) <= 4


@pytest.mark.parametrize("start", ["kmeans++", "linear", "density"])
def test_centroids_rise_and_are_where_their_name_says(start: Any) -> None:
    given = np.random.default_rng(3).normal(size=(40, 50)).astype(np.float32)
    found = find_centroids(given, 8, start, 0)
    assert len(found) == 8
    assert (np.diff(found) > 0).all()
    codes = nearest(given, found)
    if start == "kmeans++":
        means = [given[codes == place].mean() for place in range(8)]
        np.testing.assert_allclose(means, found, atol=0.02)
    elif start == "linear":
        np.testing.assert_allclose(found, np.linspace(given.min(), given.max(), 8), rtol=1e-6)
    else:
        assert np.bincount(codes.reshape(-1)).min() > 0.08 * given.size
    np.testing.assert_array_equal(found, find_centroids(given, 8, start, 0))


def test_a_kernel_with_fewer_values_keeps_them(tmp_path: Path) -> None:
    given = np.float32([[1, 2], [2, -1]])
    np.testing.assert_array_equal(find_centroids(given, 16, "kmeans++", 0), [-1, 1, 2])


def test_layers_it_leaves_are_listed(tmp_path: Path) -> None:
    given = keras.Input((6, 6, 2))
    x = keras.layers.DepthwiseConv2D(3, name="deep")(given)
    model = keras.Model(given, keras.layers.Conv2D(2, 1, name="conv")(x))
    result = apply(model, Cluster(), context(tmp_path, train=None))
    assert [s.layer for s in result.skipped] == ["deep"]
    with pytest.raises(BadInput, match="the model has no layer to cluster; deep: "):
        only = keras.Model(given, keras.layers.DepthwiseConv2D(3, name="deep")(given))
        apply(only, Cluster(), context(tmp_path))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"number_of_clusters": 1}, "cluster: number_of_clusters is 1; 2 or more was expected; 16"),
        ({"number_of_clusters": "few"}, "cluster.number_of_clusters is 'few'; a whole number"),
        ({"cluster_centroids_init": "random"}, "'kmeans\\+\\+', 'linear', 'density'"),
    ],
)
def test_bad_settings_are_one_clear_line(table: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        read_fields(Cluster, table, where="cluster")


def test_labels_go_there_and_back() -> None:
    for label in ("cluster16", "cluster32sparse", "cluster8scaled", "cluster4scaledsparse"):
        params = from_label(label)
        assert params is not None
        assert params.label == label
    assert from_label("prune50") is None
    assert [s.label for s in parse_name("prune50_cluster16_int8")][:2] == ["prune50", "cluster16"]
