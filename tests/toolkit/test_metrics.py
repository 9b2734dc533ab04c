"""Every metric against scikit-learn on outputs on disk, and the words that name them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from edgewright.accuracy.classes import class_rows, confusion_matrix
from edgewright.accuracy.columns import Columns, read_columns
from edgewright.accuracy.gates import read_gate, read_gates
from edgewright.accuracy.metrics import TABLE, metric_named
from edgewright.accuracy.output_file import OutputReader, OutputWriter
from edgewright.accuracy.results import Score
from edgewright.accuracy.scores import Scorer
from edgewright.accuracy.task import Labelled, find_task
from edgewright_runtimes.errors import ArtifactError, BadInput

RANDOM = np.random.default_rng(11)
ITEMS = 400


def _write(folder: Path, name: str, outputs: np.ndarray, piece: int = 150) -> OutputReader:
    writer = OutputWriter(folder)
    for start in range(0, len(outputs), piece):
        writer.append({"y": outputs[start : start + piece]})  # a name that is one of the npz's own
    writer.finish(folder / name)
    writer.close()
    return OutputReader(folder / name)


def _scorer(
    folder: Path, source: np.ndarray, artifact: np.ndarray, y: np.ndarray | None
) -> tuple[Scorer, Labelled, Columns]:
    labelled = find_task(source.shape[1:], y)
    left, right = _write(folder, "s.npz", source), _write(folder, "a.npz", artifact)
    columns = read_columns(left, right, labelled)
    return Scorer(columns=columns, labelled=labelled, class_names=()), labelled, columns


def _score(scorer: Scorer, name: str) -> Score:
    return scorer.score(metric_named(name)).score


def test_many_classes(tmp_path: Path) -> None:
    source = RANDOM.normal(size=(ITEMS, 8)).astype(np.float32)
    y = (source + RANDOM.normal(size=source.shape)).argmax(1)
    artifact = source + RANDOM.normal(size=source.shape, scale=0.4).astype(np.float32)
    scorer, labelled, columns = _scorer(tmp_path, source, artifact, y)
    assert labelled.task == "classes"
    predicted = artifact.argmax(1)
    for name, expected in {
        "accuracy": sklearn_metrics.accuracy_score(y, predicted),
        "top5": sklearn_metrics.top_k_accuracy_score(y, artifact, k=5),
        "agreement": (predicted == source.argmax(1)).mean(),
        "recall@3": sklearn_metrics.recall_score(y, predicted, labels=[3], average="macro"),
        "precision@3": sklearn_metrics.precision_score(y, predicted, labels=[3], average="macro"),
    }.items():
        score = _score(scorer, name)
        assert score.artifact == pytest.approx(expected), name
        assert score.change is not None and score.low is not None and score.high is not None
        assert score.low <= score.change <= score.high
        if score.proportion and score.source is not None:
            assert score.change == pytest.approx(expected - score.source)
    confusion = confusion_matrix(y, columns.artifact.predicted, 8)
    np.testing.assert_array_equal(confusion, sklearn_metrics.confusion_matrix(y, predicted))
    rows = class_rows(confusion, confusion, ["zero", "one"])
    precision, recall, _, support = sklearn_metrics.precision_recall_fscore_support(y, predicted)
    for row in rows:
        assert row.items == support[row.index]
        assert row.artifact.precision == pytest.approx(precision[row.index])
        assert row.artifact.recall == pytest.approx(recall[row.index])
        assert row.artifact.false_negative_rate == pytest.approx(1 - recall[row.index])
        others = y != row.index
        rate = (predicted[others] == row.index).mean()
        assert row.artifact.false_positive_rate == pytest.approx(rate)
    assert [row.name for row in rows[:3]] == ["zero", "one", "2"]


@pytest.mark.parametrize("kind", ["softmax", "sigmoid", "logit"])
def test_two_classes(tmp_path: Path, kind: str) -> None:
    logits = np.round(RANDOM.normal(size=ITEMS), 1).astype(np.float32)  # rounded: scores that tie
    y = (logits + RANDOM.normal(size=ITEMS) > 0).astype(np.int64)
    worse = np.round(logits + RANDOM.normal(size=ITEMS), 1).astype(np.float32)

    def outputs(z: np.ndarray) -> np.ndarray:
        p = (1 / (1 + np.exp(-z))).astype(np.float32)
        return {"softmax": np.stack([1 - p, p], 1), "sigmoid": p[:, None], "logit": z}[kind]

    scorer, labelled, _ = _scorer(tmp_path, outputs(logits), outputs(worse), y)
    assert labelled.task == "two-class"
    auc = _score(scorer, "auc")
    assert auc.artifact == pytest.approx(sklearn_metrics.roc_auc_score(y, worse), abs=1e-6)
    assert auc.source == pytest.approx(sklearn_metrics.roc_auc_score(y, logits), abs=1e-6)
    assert auc.source is not None and auc.artifact is not None
    assert auc.change == pytest.approx((auc.artifact - auc.source) / auc.source)
    positive = worse > 0 if kind == "softmax" else worse >= 0
    fnr, fpr = _score(scorer, "fnr"), _score(scorer, "fpr")
    assert fnr.artifact == pytest.approx((~positive[y == 1]).mean())
    assert fpr.artifact == pytest.approx(positive[y == 0].mean())
    assert fnr.items == y.sum() and fpr.items == ITEMS - y.sum()
    assert fnr.change is not None and fnr.change > 0 and fnr.better == "lower"


def test_regression_of_several_values(tmp_path: Path) -> None:
    y = RANDOM.normal(size=(ITEMS, 3)).astype(np.float32)
    source = y + RANDOM.normal(size=y.shape, scale=0.1).astype(np.float32)
    artifact = y + RANDOM.normal(size=y.shape, scale=0.2).astype(np.float32)
    scorer, labelled, _ = _scorer(tmp_path, source, artifact, y)
    assert labelled.task == "regression"
    for name, expected in {
        "mae": sklearn_metrics.mean_absolute_error(y, artifact),
        "rmse": np.sqrt(sklearn_metrics.mean_squared_error(y, artifact)),
        "r2": sklearn_metrics.r2_score(y, artifact),
    }.items():
        score = _score(scorer, name)
        assert score.artifact == pytest.approx(expected, rel=1e-5), name
        assert score.low is not None and score.high is not None
        worse = score.low > 0 if score.better == "lower" else score.high < 0
        assert worse, name


def test_one_class_only_has_no_area(tmp_path: Path) -> None:
    outputs = RANDOM.random((ITEMS, 1)).astype(np.float32)
    scorer, _, _ = _scorer(tmp_path, outputs, outputs, np.ones(ITEMS))
    auc, fpr = _score(scorer, "auc"), _score(scorer, "fpr")
    assert auc.artifact is None and auc.reason == "not defined on these items"
    assert fpr.artifact is None and fpr.items == 0


def test_under_30_items_there_is_no_bootstrap(tmp_path: Path) -> None:
    y = RANDOM.normal(size=20)
    outputs = (y + 1).astype(np.float32)
    scorer, _, _ = _scorer(tmp_path, outputs, outputs * 2, y)
    score = _score(scorer, "mae")
    assert score.low is None and "too few" in score.reason and score.change is not None


def test_ties_are_of_the_sources_margin(tmp_path: Path) -> None:
    source = np.tile(np.array([[0.0, 0.5, 1.0]], np.float32), (10, 1))
    source[:3, 1] = 1.0 - 5e-5
    _, _, columns = _scorer(tmp_path, source, source, np.full(10, 2))
    assert columns.tie_below == pytest.approx(1e-4)
    assert (columns.margin < columns.tie_below).sum() == 3


@pytest.mark.parametrize(
    ("shape", "y", "task"),
    [
        ((10,), np.array([0, 9]), "classes"),
        ((2,), np.array([0, 1]), "two-class"),
        ((1,), np.array([0, 1]), "two-class"),
        ((1,), np.array([0.0, 1.0]), "two-class"),
        ((1,), np.array([0, 7]), "regression"),
        ((1,), np.array([0.5, 7]), "regression"),
        ((), np.array([0.5, 7]), "regression"),
        ((3,), np.eye(3)[:2], "classes"),
        ((3,), np.ones((2, 3)), "regression"),
        ((1, 1, 4), np.array([0, 3]), "classes"),
        ((4,), None, "unlabelled"),
    ],
)
def test_the_task(shape: tuple[int, ...], y: np.ndarray | None, task: str) -> None:
    assert find_task(shape, y).task == task


def test_one_score_without_labels_is_two_classes_where_agreement_is_asked_for(
    tmp_path: Path,
) -> None:
    agreement = metric_named("agreement")
    assert find_task((1,), None).classes == 0
    labelled = find_task((1,), None, [agreement])
    assert labelled.classes == 2
    source = np.linspace(0, 1, ITEMS, dtype=np.float32)[:, None]
    left, right = _write(tmp_path, "s.npz", source), _write(tmp_path, "a.npz", 1 - source)
    columns = read_columns(left, right, labelled)
    scorer = Scorer(columns=columns, labelled=labelled, class_names=())
    assert scorer.score(agreement).score.artifact == 0


def test_labels_that_do_not_fit() -> None:
    with pytest.raises(BadInput, match="labels run from -1 to 3, the model has 4 classes: 0 to 3"):
        find_task((4,), np.array([-1, 3]))
    with pytest.raises(BadInput, match=r"labels of shape \[2\] for an output of shape \[4\]"):
        find_task((4,), np.zeros((3, 2)) + 0.5)


def test_outputs_change_shape_or_are_not_numbers(tmp_path: Path) -> None:
    writer = OutputWriter(tmp_path)
    writer.append({"a": np.zeros((2, 3))})
    with pytest.raises(ArtifactError, match=r"changed its shape from \[3\] to \[4\]"):
        writer.append({"a": np.zeros((2, 4))})
    with pytest.raises(ArtifactError, match="NaN or infinite from item 3"):
        writer.append({"a": np.array([[0, 0, 0], [0, np.inf, 0]])})
    writer.close()
    assert not list(tmp_path.iterdir())


def test_gates_are_read_back_as_they_are_written() -> None:
    for text in ("accuracy:0.5", "fnr@cat:0", "mae:5%", "r2:0.1%"):
        assert read_gate(text).text == text
    gates = read_gates(["auc:2%"], max_drop=1.5, min_agreement=99.5)
    assert [g.text for g in gates] == ["auc:2%", "accuracy:1.5", "agreement:0.5"]
    assert gates[1].limit == pytest.approx(0.015)


def test_each_metric_knows_which_way_is_better() -> None:
    lower = {name for name in TABLE if metric_named(name).better == "lower"}
    assert lower == {"fnr", "fpr", "mae", "rmse", "reconstruction"}
