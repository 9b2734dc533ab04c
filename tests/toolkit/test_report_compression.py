"""What the report says of compression: each step, each artifact beside its control, every try."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from tests.toolkit import report_bundle as made

from edgewright.bundle import Bundle
from edgewright.compression.auto import save_tries
from edgewright.reporting.as_json import as_json
from edgewright.reporting.compression import story
from edgewright.reporting.controls import aloud, beside, no_time_gained, without_control
from edgewright.reporting.facts import read_facts
from edgewright.reporting.provenance import repeat
from edgewright.reporting.verdict import details
from edgewright.sensitivities.results import Head, Trial, append, write_head
from edgewright.verbs.report import report
from edgewright_converters.compression.recipe import parse_name
from edgewright_runtimes.records import Skipped

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return made.make_compressed(tmp_path_factory.mktemp("report") / "b")


def section(bundle: Bundle) -> str:
    """The words of the section, without tags."""
    page = report(bundle.path).read_text()
    found = re.search(r"<h2>Compression</h2>(.*?)<h2>", page, re.S)
    return unescape(re.sub(r"<[^>]+>", " ", found[1])) if found else ""


def test_it_says_aloud_that_zeros_bought_no_time(bundle: Bundle) -> None:
    (unpaid,) = no_time_gained(read_facts(bundle))
    assert unpaid.sure and not unpaid.slower and unpaid.visible < 0.01
    (sentence,) = aloud([unpaid])
    assert sentence.startswith(
        "Zeros in the weights bought no time: "
        "tflite-prune50_int8 is no faster than tflite-int8 in litert. A difference of 0."
    )
    assert sentence in section(bundle)
    said = dict(details(read_facts(bundle)))
    assert said["Bought no time"] == "tflite-prune50_int8; see Compression"


def test_what_is_faster_is_not_said_to_be_no_faster(tmp_path: Path) -> None:
    facts = read_facts(made.make_compressed(tmp_path / "b", median_ns=0.8e6))
    assert not list(no_time_gained(facts))
    assert "Bought no time" not in dict(details(facts))


def test_slower_is_no_gain_either(tmp_path: Path) -> None:
    (unpaid,) = no_time_gained(read_facts(made.make_compressed(tmp_path / "b", median_ns=1.2e6)))
    assert unpaid.sure and unpaid.slower


def test_one_sentence_for_all_that_are_alike(bundle: Bundle) -> None:
    (one,) = no_time_gained(read_facts(bundle))
    other = replace(one, artifact="onnx-prune50_int8", visible=0.02)
    clusters = replace(one, artifact="tflite-cluster16_int8", what="Clustered weights")
    first, second = aloud([one, clusters, other])
    assert "tflite-prune50_int8, onnx-prune50_int8 are no faster than the source's own" in first
    assert "A difference of 2 % would have been seen." in first
    assert second.startswith("Clustered weights bought no time: tflite-cluster16_int8 is no")


def test_rounds_that_show_little_decide_nothing(tmp_path: Path) -> None:
    facts = read_facts(made.make_compressed(tmp_path / "b", restless=0.2))
    (unpaid,) = no_time_gained(facts)
    assert not unpaid.sure
    (sentence,) = aloud([unpaid])
    assert sentence.startswith("Whether zeros in the weights bought any time is not known: ")
    assert "Bought no time" not in dict(details(facts))


def test_removed_channels_are_another_matter(tmp_path: Path) -> None:
    bundle = made.make_compressed(tmp_path / "b")
    cut, pruned = made.step("prune-channels", "channels50"), made.step("prune", "prune50")
    made.add_compressed(bundle, "key1", cut, pruned)
    assert not list(no_time_gained(read_facts(bundle)))


def test_another_job_is_no_control(tmp_path: Path) -> None:
    bundle = made.make_compressed(tmp_path / "b")
    for path in (bundle.path / "measurements").glob("job-1-tflite-int8-*.json"):
        path.write_text(path.read_text().replace('"job-1"', '"job-0"'))
    facts = read_facts(bundle)
    subject = next(s for s in facts.subjects if s.artifact.name == "tflite-prune50_int8")
    assert beside(facts, subject, subject.latency[0]) is None
    assert list(without_control(facts)) == [
        "Not timed beside the source's own of the same scheme: tflite-prune50_int8. "
        "edgewright bench b times all in one job."
    ]
    assert not list(without_control(read_facts(made.make_compressed(tmp_path / "c"))))
    assert not list(no_time_gained(facts))


def test_the_a_a_pair_widens_the_interval(tmp_path: Path) -> None:
    """The float32 was 30 % apart from itself: 20 % between two others show nothing."""
    bundle = made.make_compressed(tmp_path / "b", median_ns=0.8e6)
    for path in (bundle.path / "measurements").glob("job-1-tflite-float32-litert-again*.json"):
        path.unlink()
    made.add_rounds(bundle, "tflite-float32", 2.6e6, label="again")
    facts = read_facts(bundle)
    subject = next(s for s in facts.subjects if s.artifact.name == "tflite-prune50_int8")
    found = beside(facts, subject, subject.latency[0])
    assert found is not None and not found[1].different


def test_each_step_is_a_line_beside_the_source(bundle: Bundle) -> None:
    told = story(read_facts(bundle))
    assert told is not None and told.searched is None
    (chapter,) = told.chapters
    assert chapter.name == "prune50"
    assert chapter.summary == "88.50 %, zipped 0.55 x of the source's weights"
    source, pruned = chapter.steps.lines
    assert [cell.text for cell in source.cells][:3] == ["90.00 %", "1,000", "1,000"]
    assert [(c.text, c.small) for c in pruned.cells] == [
        ("88.50 %", "-1.50"),
        ("1,000", ""),
        ("500", "50 %"),
        ("50,000", ""),
        ("4.0 kB", ""),
        ("2.1 kB", "55.3 %"),
        ("12.0 s", ""),
    ]


def test_artifacts_stand_beside_their_control(bundle: Bundle) -> None:
    told = story(read_facts(bundle))
    assert told is not None and told.chapters[0].artifacts is not None
    lines = told.chapters[0].artifacts.lines
    assert [line.name for line in lines] == [
        "tflite-float32",
        "tflite-int8",
        "tflite-prune50_int8",
    ]
    last = lines[-1].cells
    assert last[2].text == "no difference" and last[3].text.endswith(" x")
    assert (last[5].text, last[5].small) == ("1.00 x", "1.00 x")


def test_notes_and_skipped_layers_are_text(tmp_path: Path) -> None:
    bundle = made.make_compressed(tmp_path / "b")
    skipped = tuple(Skipped(layer=f"lstm{i}{HOSTILE}", reason=HOSTILE) for i in range(14))
    made.add_compressed(
        bundle, "key1", made.step("prune", "prune50", notes=(HOSTILE,), skipped=skipped)
    )
    page = report(bundle.path).read_text()
    assert "<script>alert" not in page and page.count("&lt;script&gt;alert") >= 13
    assert "and 2 more" in section(bundle)


def test_every_try_of_a_search_is_shown(tmp_path: Path) -> None:
    bundle = made.make_compressed(tmp_path / "b")
    tries = [
        made.attempt(
            "int8",
            metric="accuracy",
            score=0.15,
            change=-0.75,
            low=-0.8,
            high=-0.7,
            size_bytes=11_000,
            seconds=3.0,
        ),
        made.attempt("qat_int8", "skipped", reason="it trains, and no data"),
    ]
    save_tries(bundle, tries)
    told = story(read_facts(bundle))
    assert told is not None and told.searched is not None
    first, second = told.searched.lines
    assert [c.text for c in first.cells][:2] == ["rejected", "15.00 %"]
    assert first.cells[1].small == "-75.00 (-80.00..-70.00)"
    assert second.cells[-1].text == "it trains, and no data"
    assert "outside accuracy:0.5" in section(bundle)
    data = json.loads(as_json(read_facts(bundle), report=tmp_path / "r.html"))
    assert [t["outcome"] for t in data["tries"]] == ["rejected", "skipped"]
    assert data["compressed"][0]["artifacts"] == ["tflite-prune50_int8"]
    assert len(data["no_time_gained"]) == 1


def test_damaged_records_are_set_aside(tmp_path: Path) -> None:
    bundle = made.make_compressed(tmp_path / "b")
    (bundle.path / "compressed" / "key1" / "compressed.json").write_text("{")
    (bundle.path / "tries.json").write_text("[1]")
    facts = read_facts(bundle)
    assert facts.compressed == () and facts.tries == ()
    assert story(facts) is None and section(bundle) == ""
    assert sum("compressed.json" in line or "tries.json" in line for line in facts.set_aside) == 2


def test_a_bundle_that_was_not_compressed_says_nothing_of_it(tmp_path: Path) -> None:
    assert section(made.make_full(tmp_path / "b")) == ""


def kept_sensitivity(folder: Path, *, sha256: str = made.SOURCE) -> None:
    folder.mkdir()
    head = Head(
        source="net.keras",
        source_sha256=sha256,
        format="tflite",
        data="test.npz",
        data_sha256="d",
        items=64,
    )
    write_head(folder, head)
    for place, kind in enumerate(("activation", "weights")):
        for what, ratio in (("quantize", None), ("prune", 0.5)):
            trial = Trial(
                key=f"{place}{what}",
                what=what,
                tensor=f"conv{HOSTILE}{place}",
                kind=kind,
                op="CONV_2D",
                layer="",
                elements=9,
                ratio=ratio,
                sqnr_db=20.0 + place,
                points_lost=0.1,
            )
            append(folder, trial)


def test_the_plots_of_a_sensitivity_run_are_shown(tmp_path: Path) -> None:
    bundle = made.make_compressed(tmp_path / "b")
    kept_sensitivity(bundle.path / "sensitivity")
    page = report(bundle.path).read_text()
    charts = page.partition("<h2>Sensitivity</h2>")[2].partition("<h2>")[0]
    assert re.findall("<h3>(.*?)</h3>", charts) == ["TFLite: quantize", "TFLite: prune"]
    assert charts.count("<svg") == 2 and charts.count('class="mark ') == 4
    assert "64 items of test.npz." in charts and "<script>alert" not in page
    data = json.loads(as_json(read_facts(bundle), report=tmp_path / "r.html"))
    assert data["sensitivity"][0]["items"] == 64 and len(data["sensitivity"][0]["trials"]) == 4


def test_a_run_on_another_model_is_set_aside(tmp_path: Path) -> None:
    bundle = made.make_compressed(tmp_path / "b")
    kept_sensitivity(bundle.path / "sensitivity-old", sha256="f" * 64)
    (bundle.path / "sensitivity").mkdir()
    (bundle.path / "sensitivity" / "sensitivity.json").write_text("{")
    facts = read_facts(bundle)
    assert facts.sensitivities == () and len(facts.set_aside) == 2
    assert "<h2>Sensitivity</h2>" not in report(bundle.path).read_text()


def test_what_qat_is_worth_in_int8_is_said(tmp_path: Path) -> None:
    bundle = made.make_compressed(tmp_path / "b")
    qat = made.step("qat", "qat", details={"int8_scores": {"accuracy": 0.87}})
    made.add_compressed(bundle, "key1", qat)
    assert "qat: 87.00 % with the arithmetic of the int8 files" in section(bundle)


def test_how_to_repeat_it_names_the_recipe(tmp_path: Path) -> None:
    bundle = made.make_compressed(tmp_path / "b")
    lines = repeat(read_facts(bundle)).splitlines()
    assert lines[0].endswith("--variants tflite-float32,tflite-int8")
    assert lines[1] == "edgewright compress net.keras --recipe RECIPE.toml --out b"
    record = made.step("prune", "prune50")
    plain = replace(record, step=parse_name("prune50")[0])
    made.add_compressed(bundle, "key1", plain)
    lines = repeat(read_facts(bundle)).splitlines()
    assert lines[1] == "edgewright compress net.keras --recipe prune50_int8 --out b"
