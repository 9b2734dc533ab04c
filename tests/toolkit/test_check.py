"""Checking a bundle of small ONNX artifacts whose every output is known by heart.

The source's outputs are laid where the first check would leave them, so that no framework is
needed; one slow test runs a real source in the converter process.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgewright.accuracy.evaluate import evaluate
from edgewright.accuracy.intervals import Decision
from edgewright.accuracy.output_file import OutputWriter
from edgewright.accuracy.shown import remarks
from edgewright.accuracy.stored import current_evaluations, files_for
from edgewright.bundle import Bundle, content_sha256
from edgewright.cli import main
from edgewright.data import open_data
from edgewright.targets.ssh.target import SshTarget
from edgewright.targets.ssh.trouble import LinkTrouble
from edgewright.verbs.check import check
from edgewright_runtimes.errors import BadInput, UnknownName
from edgewright_runtimes.records import Artifact, SourceInfo, TensorSpec

RANDOM = np.random.default_rng(3)
CLASSES, FEATURES, ITEMS = 3, 4, 200
WEIGHTS = RANDOM.normal(size=(FEATURES, CLASSES)).astype(np.float32)
X = RANDOM.normal(size=(ITEMS, FEATURES)).astype(np.float32)
Y = (X @ WEIGHTS).argmax(axis=1)
Y[:20] = (Y[:20] + 1) % CLASSES  # the source is right on 180 of 200


def _onnx(path: Path, weights: np.ndarray) -> None:
    width = weights.shape[1]
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["scores"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", weights.shape[0]])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", width])],
        [numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.save(model, path)


def _add(bundle: Bundle, name: str, weights: np.ndarray | None) -> None:
    built = bundle.work_folder() / name
    built.mkdir()
    format_ = name.split("-")[0]
    if weights is not None:
        _onnx(built / "model.onnx", weights)
    else:
        (built / "model.onnx").write_bytes(b"not a model")
    artifact = Artifact(
        name=name,
        format="tfjs" if format_ == "tfjs" else "onnx",
        scheme="float32",
        file="model.onnx",
        size_bytes=1,
        zipped_bytes=1,
        sha256=content_sha256(built / "model.onnx"),
        build_key="k",
        source_sha256="s" * 64,
        verified="",
        max_error=None,
        golden="none",
        batch=None,
    )
    bundle.add_artifact(artifact, built)


def _bundle(folder: Path, outputs: np.ndarray, width: int) -> Bundle:
    bundle = Bundle.create(folder / "b")
    info = SourceInfo(
        path=str(folder / "absent.keras"),
        sha256="s" * 64,
        kind="keras3",
        inputs=(TensorSpec(name="x", dtype="float32", shape=(None, FEATURES)),),
        outputs=(TensorSpec(name="scores", dtype="float32", shape=(None, width)),),
    )
    bundle.write_head(info)
    data = open_data("d.npz")
    files = files_for(info.sha256, data.sha256, np.arange(data.items), {})
    writer = OutputWriter(bundle.work_folder())
    writer.append({"scores": outputs})
    writer.finish(bundle.array_file(files.source))
    writer.close()
    return bundle


@pytest.fixture
def classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    """Three classes; artifacts: the same, one that is much worse, one that is broken, a TF.js."""
    monkeypatch.chdir(tmp_path)
    np.savez("d.npz", x=X, y=Y, classes=np.array(["ant", "bee", "cat"]))
    bundle = _bundle(tmp_path, X @ WEIGHTS, CLASSES)
    _add(bundle, "onnx-float32", WEIGHTS)
    _add(bundle, "onnx-dynamic", -WEIGHTS)
    return bundle


def test_pairs_with_the_source(classes: Bundle) -> None:
    result = check("b", data="d.npz", max_drop=3)
    same, worse = sorted(result.results, key=lambda r: r.artifact, reverse=True)
    accuracy = same.score("accuracy")
    assert accuracy is not None
    assert (accuracy.source, accuracy.artifact, accuracy.change) == (0.9, 0.9, 0)
    assert accuracy.low is not None and accuracy.high is not None
    assert accuracy.low < 0 < accuracy.high and accuracy.p_value == 1
    assert same.decision is Decision.SHIP and worse.decision is Decision.DO_NOT_SHIP
    assert result.exit_code == 4
    assert same.ties is not None and same.ties.disagreements == 0
    assert worse.ties is not None and worse.ties.disagreements == ITEMS
    np.testing.assert_array_equal(np.sum(same.confusion), ITEMS)
    recall = [row.source.recall for row in same.classes]
    assert recall == [float((((X @ WEIGHTS).argmax(1) == Y)[c == Y]).mean()) for c in range(3)]
    assert [row.name for row in same.classes] == ["ant", "bee", "cat"]
    assert same.differences[0].largest < 1e-5 and worse.differences[0].cosine == pytest.approx(-1)


def test_no_gate_decides_nothing(classes: Bundle) -> None:
    result = check("b", data="d.npz")
    assert result.decision is None and result.exit_code == 0


def test_too_few_items_is_exit_5_and_says_how_many_would_do(classes: Bundle) -> None:
    result = check("b", data="d.npz", max_drop=0.5, artifacts=["onnx-float32"])
    gate = result.results[0].gates[0]
    assert gate.decision is Decision.NOT_ENOUGH_DATA and result.exit_code == 5
    assert gate.items_needed is not None and gate.items_needed > ITEMS


def test_results_are_read_again_from_the_bundle(classes: Bundle) -> None:
    result = check("b", data="d.npz", max_drop=3)
    bundle = Bundle.open(Path("b"))
    kept, aside = current_evaluations(bundle)
    assert not aside
    assert {evaluate(bundle, e) for e in kept} == set(result.results)


def test_rows_of_a_swapped_artifact_are_set_aside(classes: Bundle) -> None:
    check("b", data="d.npz")
    _onnx(Path("b/artifacts/onnx-float32/model.onnx"), WEIGHTS * 2)
    kept, aside = current_evaluations(Bundle.open(Path("b")))
    assert [e.artifact for e in kept] == ["onnx-dynamic"]
    assert [e.artifact for e in aside] == ["onnx-float32"]


def test_a_broken_artifact_is_a_failure_row(classes: Bundle) -> None:
    _add(classes, "onnx-float16", None)
    result = check("b", data="d.npz")
    assert [(f.artifact, f.stage) for f in result.failures] == [("onnx-float16", "load")]
    assert len(result.results) == 2 and result.exit_code == 3
    assert [f.artifact for f in Bundle.open(Path("b")).failures()] == ["onnx-float16"]
    gated = check("b", data="d.npz", max_drop=50, artifacts=["onnx-float16", "onnx-float32"])
    assert gated.decision is Decision.SHIP and gated.exit_code == 3


def test_an_artifact_that_gives_nan_is_a_failure_row(classes: Bundle) -> None:
    _add(classes, "onnx-float16", WEIGHTS * np.float32(np.nan))
    result = check("b", data="d.npz", artifacts=["onnx-float16"])
    assert "NaN or infinite from item 0" in result.failures[0].error
    assert result.exit_code == 1


def test_tfjs_is_not_on_this_target(classes: Bundle) -> None:
    _add(classes, "tfjs-float32", WEIGHTS)
    result = check("b", data="d.npz")
    assert list(result.not_here) == ["tfjs-float32"]
    assert not result.failures and result.exit_code == 0


def test_without_labels_the_answers_are_compared(classes: Bundle) -> None:
    np.savez("u.npz", x=X)
    data = open_data("u.npz")
    files = files_for("s" * 64, data.sha256, np.arange(ITEMS), {})
    old = next(Path("b/measurements").glob("check-*-source.npz"))
    old.rename(Path("b/measurements") / files.source)
    result = check("b", data="u.npz", min_agreement=95)
    by_name = {r.artifact: r for r in result.results}
    same, worse = by_name["onnx-float32"], by_name["onnx-dynamic"]
    agreement = same.score("agreement")
    assert agreement is not None and agreement.artifact == 1.0
    assert same.task == "unlabelled" and same.decision is Decision.SHIP
    assert worse.decision is Decision.DO_NOT_SHIP
    with pytest.raises(BadInput, match="accuracy is no metric of data without labels"):
        check("b", data="u.npz", max_drop=1)


def test_a_subset_is_its_own_check(classes: Bundle) -> None:
    with pytest.raises(BadInput, match=r"the source .* is not there; say where: --source PATH"):
        check("b", data="d.npz", subset=50)
    with pytest.raises(BadInput, match="--subset is 0"):
        check("b", data="d.npz", subset=0)


def test_labels_are_matched_by_name(classes: Bundle) -> None:
    info = replace(classes.require_source(), labels=("cat", "ant", "bee"))
    classes.write_head(info)
    result = check("b", data="d.npz")
    shifted = (Y + 1) % CLASSES  # ant is 1, bee 2, cat 0
    expected = float(((X @ WEIGHTS).argmax(1) == shifted).mean())
    accuracy = result.results[0].score("accuracy")
    assert accuracy is not None and accuracy.source == expected


def test_items_that_calibrated_are_named(classes: Bundle) -> None:
    calibration = {"sha256": open_data("d.npz").sha256, "samples": 64}
    classes.write_head(replace(classes.require_source(), calibration=calibration))
    result = check("b", data="d.npz", artifacts=["onnx-float32"])
    assert result.warnings[0].startswith("up to 64 of these items calibrated")


def test_nan_in_the_data_is_bad_input_and_no_failure_row(classes: Bundle) -> None:
    x = X.copy()
    x[150, 0] = np.nan
    np.savez("nan.npz", x=x, y=Y)
    files = files_for("s" * 64, open_data("nan.npz").sha256, np.arange(ITEMS), {})
    stored = next(Path("b/measurements").glob("check-*-source.npz"))
    stored.rename(Path("b/measurements") / files.source)
    with pytest.raises(BadInput, match="x holds NaN or infinity in item 150"):
        check("b", data="nan.npz")
    assert not Bundle.open(Path("b")).failures()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"metrics": ["acuracy"]}, UnknownName, "did you mean 'accuracy'"),
        ({"metrics": ["mae@2"]}, BadInput, "mae is not of one class"),
        ({"metrics": ["auc"]}, BadInput, "auc is no metric of a choice among more than two"),
        ({"metrics": ["recall@dog"]}, UnknownName, "no class named 'dog'; known: ant, bee, cat"),
        ({"metrics": ["top5"]}, BadInput, "top5 says nothing of 3 classes"),
        ({"gates": ["accuracy"]}, BadInput, "is not METRIC:DROP"),
        ({"gates": ["accuracy:5%"]}, BadInput, "its drop is in points"),
        ({"gates": ["precision:5"]}, BadInput, "relative to the source"),
        ({"gates": ["accuracy:-1"]}, BadInput, "'-1' is not a drop"),
        ({"gates": ["accuracy:1"], "max_drop": 2}, BadInput, "two gates for accuracy"),
        ({"min_agreement": 120}, BadInput, "0 to 100"),
        ({"artifacts": ["onnx-flat32"]}, UnknownName, "did you mean 'onnx-float32'"),
        ({"runtime": "null"}, BadInput, "null computes none of onnx-"),
        ({"runtime": "onnxrt"}, UnknownName, "no runtime named 'onnxrt'"),
    ],
)
def test_bad_words(
    classes: Bundle, options: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        check("b", data="d.npz", **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": X, "y": Y + 1}, "labels run from 1 to 3, the model has 3 classes"),
        ({"x": X[:, :2], "y": Y}, r"takes items of shape \[4\], the data has \[2\]"),
    ],
)
def test_data_that_does_not_fit(
    classes: Bundle, arrays: dict[str, np.ndarray], message: str
) -> None:
    np.savez("bad.npz", **arrays)
    with pytest.raises(BadInput, match=message):
        check("b", data="bad.npz")
    assert not list(Path("b/measurements").glob("*labels*"))


def test_a_detector_is_shown_with_its_false_negatives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    weights = RANDOM.normal(size=(FEATURES, 1)).astype(np.float32)
    scores = X @ weights
    y = (scores[:, 0] > 0).astype(np.int64)
    np.savez("d.npz", x=X, y=y)
    bundle = _bundle(tmp_path, scores, 1)
    _add(bundle, "onnx-float32", -weights)
    result = check("b", data="d.npz", gates=["fnr:1", "auc:1%"]).results[0]
    values = {s.metric: (s.source, s.artifact) for s in result.scores}
    assert values["accuracy"] == (1, 0) and values["fnr"] == (0, 1) and values["fpr"] == (0, 1)
    assert values["auc"] == (1, 0)
    assert [g.decision for g in result.gates] == [Decision.DO_NOT_SHIP] * 2
    fnr = result.score("fnr")
    assert fnr is not None and fnr.items == y.sum() and fnr.change == 1


def test_regression_and_a_metric_of_your_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("own_metric.py").write_text(
        "import numpy as np\n"
        "def worst(y, outputs):\n    return np.abs(y - outputs[:, 0]).max()\n"
        "worst.better = 'lower'\n"
    )
    weights = RANDOM.normal(size=(FEATURES, 1)).astype(np.float32)
    y = (X @ weights)[:, 0] + RANDOM.normal(size=ITEMS).astype(np.float32)
    np.savez("d.npz", x=X, y=y)
    bundle = _bundle(tmp_path, X @ weights, 1)
    _add(bundle, "onnx-float32", weights)
    _add(bundle, "onnx-float16", weights * 2)
    result = check("b", data="d.npz", gates=["mae:5%"])
    by_name = {r.artifact: r for r in result.results}
    assert by_name["onnx-float32"].decision is Decision.SHIP
    assert by_name["onnx-float16"].decision is Decision.DO_NOT_SHIP
    errors = np.abs(y - (X @ weights)[:, 0])
    scores = {s.metric: s for s in by_name["onnx-float32"].scores}
    assert scores["mae"].source == pytest.approx(errors.mean(), rel=1e-5)
    assert scores["rmse"].source == pytest.approx(np.sqrt((errors**2).mean()), rel=1e-5)
    r2 = 1 - (errors**2).sum() / ((y - y.mean()) ** 2).sum()
    assert scores["r2"].source == pytest.approx(r2, rel=1e-4)
    own = check("b", data="d.npz", metrics=["own_metric:worst"], artifacts=["onnx-float16"])
    score = own.results[0].scores[0]
    assert score.better == "lower" and score.source == pytest.approx(errors.max(), rel=1e-5)
    assert score.change is not None and score.change > 0


def test_an_autoencoder_is_judged_by_its_reconstruction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez("d.npz", x=X)
    weights = np.eye(FEATURES, dtype=np.float32) * np.float32(0.9)
    bundle = _bundle(tmp_path, X @ weights, FEATURES)
    _add(bundle, "onnx-float32", np.eye(FEATURES, dtype=np.float32) * np.float32(0.8))
    result = check("b", data="d.npz", gates=["reconstruction:10%"]).results[0]
    score = result.score("reconstruction")
    assert score is not None and score.source == pytest.approx(0.01 * (X**2).mean(), rel=1e-4)
    assert score.change == pytest.approx(3, rel=1e-3)
    assert result.decision is Decision.DO_NOT_SHIP
    by_default = check("b", data="d.npz").results[0]
    assert [s.metric for s in by_default.scores] == ["reconstruction"]


def test_the_command_line(classes: Bundle, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["check", "b", "--data", "d.npz", "--max-drop", "3"])
    lines = capsys.readouterr().out.splitlines()
    assert code == 4
    assert lines[0].startswith("do not ship: onnx-dynamic; ship: onnx-float32 (200 items of d.npz")
    assert lines[2].split()[:3] == ["source", "90.00", "%"]
    code = main(["check", "b", "--data", "d.npz", "--json"])
    plain = json.loads(capsys.readouterr().out)
    assert code == plain["exit_code"] == 0 and plain["decision"] is None
    assert plain["results"][0]["scores"][0]["metric"] == "accuracy"


def test_what_a_place_computed_is_kept_when_the_next_is_lost(
    classes: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored: list[int] = []

    def off(self: SshTarget) -> object:
        stored.append(len(classes.evaluations()))
        raise LinkTrouble("no link to shed", hint="is it switched on?")

    monkeypatch.setattr(SshTarget, "_opened", off)
    result = check(classes.path, data="d.npz", target="local,ssh:shed")
    assert stored == [len(result.results)] and result.results
    assert [(f.stage, f.target) for f in result.failures] == [("transport", "ssh:shed")]
    assert [f.target for f in classes.failures() if f.stage == "transport"] == ["ssh:shed"]
    assert "ssh:shed FAILED at transport: no link to shed; is it switched on?" in remarks(result)
    assert result.exit_code == 3
