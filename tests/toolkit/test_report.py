"""The page: one file that asks for nothing, hostile text escaped, small, and drawn well."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.toolkit import report_bundle as made

from edgewright.bundle import Bundle
from edgewright.cli import main
from edgewright.verbs.report import report

HOSTILE = "<script>alert('&\"x')</script>"
VOID = {"meta", "br", "img", "input", "hr", "link"}


class Page(HTMLParser):
    """Tags that open and close in order, and every tag and attribute that was seen."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    bundle: Bundle = made.make_full(tmp_path_factory.mktemp("report") / "full")
    return bundle


@pytest.fixture(scope="module")
def html(full: Bundle) -> str:
    return report(full.path).read_text()


def test_every_section_is_there(html: str) -> None:
    headings = re.findall(r"<h2>(.*?)</h2>", html)
    assert headings == [
        "Artifacts",
        "Accuracy against latency",
        "Latency, round by round",
        "Failures",
        "Errors by class",
        "Accuracy in detail",
        "Not on this target",
        "Environment",
        "Provenance",
        "How to repeat it",
    ]
    page = Page(html)
    assert page.open == []
    text = " ".join(page.words)
    for words in ("Do not ship tflite-int8.", "add --calibrate DATA", "unknown sensors", "eel"):
        assert words in text
    assert "--gate accuracy:3" in text and "--preset quick" in text


def test_nothing_is_asked_of_anybody(html: str) -> None:
    page = Page(html)
    for tag, attributes in page.seen:
        assert tag not in {"link", "img", "iframe", "object", "embed", "base", "form"}
        assert not {"src", "href", "action", "srcset", "onclick", "onload"} & attributes.keys()
    assert "@import" not in html and "url(" not in html
    addresses = set(re.findall(r"https?://[^\s\"'<]+", html))
    assert addresses <= {"http://www.w3.org/2000/svg"}


def test_the_policy_allows_only_the_one_script(html: str) -> None:
    import base64
    import hashlib

    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)
    script = re.search(r"<script>(.*?)</script>", html, re.DOTALL)
    assert policy and script and html.count("<script") == 1
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy[1].replace("&#39;", "'")
    assert "default-src 'none'" in policy[1]


def test_charts_are_well_formed(html: str) -> None:
    charts = re.findall(r"<svg.*?</svg>", html, re.DOTALL)
    assert len(charts) == 2
    for chart in charts:
        root = ET.fromstring(chart)
        assert root.find("{http://www.w3.org/2000/svg}title") is not None
        assert not re.search(r"nan|inf\b", chart)
    assert 'class="front"' in charts[0] and "hollow" in charts[1]


def test_labels_of_the_scatter_do_not_cover_each_other(html: str) -> None:
    chart = re.search(r"<svg.*?</svg>", html, re.DOTALL)
    assert chart
    labels = re.findall(r'class="label[^"]*" x="([\d.]+)" y="([\d.]+)">([^<]+)<', chart[0])
    assert len(labels) == 3
    boxes = [(float(x), float(y), float(x) + 6 * len(t)) for x, y, t in labels]
    for i, (left, y, right) in enumerate(boxes):
        for other_left, other_y, other_right in boxes[i + 1 :]:
            assert abs(y - other_y) >= 12 or right <= other_left or other_right <= left


def test_hostile_text_is_text(tmp_path: Path) -> None:
    bundle = made.start(tmp_path / "b", path=f"{HOSTILE}.keras", labels=(HOSTILE, "half", "b"))
    head = bundle.path / "bundle.json"
    head.write_text(head.read_text().replace('"half"', '"\\ud800"'))
    for name in ("tflite-float32", f"tflite-{'x' * 90}"):
        made.add_artifact(bundle, name, warnings=(HOSTILE,))
        made.add_check(bundle, name, data=HOSTILE)
        made.add_rounds(bundle, name, 1e6, rounds=2)
    made.add_failure(bundle, "onnx-float32", error=HOSTILE, hint=HOSTILE)
    text = report(bundle.path, title=HOSTILE).read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == []
    assert [tag for tag, _ in page.seen].count("script") == 1
    assert "<script>alert" not in text
    assert text.count("&lt;script&gt;alert") > 6


def test_forty_artifacts_and_a_hundred_classes_stay_small(tmp_path: Path) -> None:
    bundle = made.start(tmp_path / "b")
    names = ["tflite-float32", *(f"tflite-prune{i}_int8" for i in range(39))]
    for name in names:
        made.add_artifact(bundle, name, size=200)
        made.add_check(bundle, name, classes=100, items=600)
        made.add_rounds(bundle, name, 1e6 + 1e4 * len(name), rounds=2)
    path = report(bundle.path)
    assert path.stat().st_size < 3_000_000
    assert "The 60 of 100 classes with the most errors." in path.read_text()


def test_two_classes_show_false_negatives(tmp_path: Path) -> None:
    bundle = made.start(tmp_path / "b", labels=("well", "ill"))
    made.add_artifact(bundle, "tflite-float32")
    made.add_check(bundle, "tflite-float32", classes=2, wrong=10)
    text = report(bundle.path).read_text()
    assert ">False negatives</button>" in text
    assert re.search(r"4\.50 %<small>source 2\.00 %</small>", text)


def test_three_classes_do_not(html: str) -> None:
    assert ">False negatives</button>" not in html


def test_a_sustained_run_shows_latency_and_temperature(tmp_path: Path) -> None:
    bundle = made.start(tmp_path / "b")
    made.add_artifact(bundle, "tflite-float32")
    readings = ({"seconds": 0.0, "temperature_c": 45.0}, {"seconds": 0.1, "temperature_c": 61.0})
    made.add_rounds(bundle, "tflite-float32", 1e6, preset="sustained", rounds=1, during=readings)
    text = report(bundle.path).read_text()
    assert "<h2>Sustained</h2>" in text and 'class="heat-line"' in text and "°C" in text


def test_a_sustained_run_without_a_sensor_says_so(tmp_path: Path) -> None:
    bundle = made.start(tmp_path / "b")
    made.add_artifact(bundle, "tflite-float32")
    made.add_rounds(bundle, "tflite-float32", 1e6, preset="sustained", rounds=1)
    text = report(bundle.path).read_text()
    assert (
        "The temperature is unknown here" in text and "heat-line" not in text.split("</style>")[1]
    )


def test_an_empty_bundle(tmp_path: Path) -> None:
    (tmp_path / "b" / "artifacts").mkdir(parents=True)
    text = report(tmp_path / "b").read_text()
    assert Page(text).open == []
    assert "Nothing was made" in text and "No artifact was made." in text


def test_what_is_set_aside_is_said(tmp_path: Path) -> None:
    bundle = made.make_full(tmp_path / "b")
    bundle.model_file(bundle.artifact("onnx-float32")).write_bytes(b"another")
    text = report(bundle.path).read_text()
    assert "<h2>Set aside</h2>" in text
    assert "onnx-float32: 8 rounds set aside, measured on another file of this name" in text


def test_the_command_line(full: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "page.html"
    assert main(["report", str(full.path), "--out", str(out), "--title", "Mine"]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    assert "<title>Mine</title>" in out.read_text()
    assert main(["report", str(full.path), "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["report"] == str(out)


def test_exit_codes(tmp_path: Path, full: Bundle, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(tmp_path / "none")]) == 2
    assert "no such bundle" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert main(["report", str(full.path), "--out", str(tmp_path / "file" / "x.html")]) == 1
    assert "cannot write" in capsys.readouterr().err
