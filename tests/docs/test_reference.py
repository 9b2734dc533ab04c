"""What the reference pages list is what the code has."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from edgewright.accuracy.metrics import TABLE
from edgewright_converters.tolerances import TOLERANCES
from edgewright_runtimes.contract import MAX_BYTES
from edgewright_runtimes.preprocess import Preprocess
from edgewright_runtimes.records import FORMATS, SCHEMES, Artifact, Contract
from edgewright_runtimes.runtime import RUNTIMES
from edgewright_runtimes.statistics import PRESETS, Verdict

ROOT = Path(__file__).parents[2]


def page(name: str) -> str:
    return (ROOT / name).read_text()


def test_the_contract_page_names_every_field() -> None:
    text = page("docs/contract.md")
    assert not [f.name for f in fields(Contract) if f"`{f.name}`" not in text]
    assert f"{MAX_BYTES:,} bytes" in text


def test_the_bundle_page_names_every_field_of_an_artifact() -> None:
    text = page("docs/bundle.md")
    assert not [f.name for f in fields(Artifact) if f"`{f.name}`" not in text]


def test_the_preprocessing_page_names_every_field() -> None:
    text = page("docs/preprocessing.md")
    assert not [f.name for f in fields(Preprocess) if f"| `{f.name}` |" not in text]


def test_readme_and_convert_page_name_every_format_and_scheme() -> None:
    for name in ("README.md", "docs/verbs/convert.md"):
        text = page(name)
        assert not [f for f in FORMATS if f"`{f}`" not in text and f not in text.lower()]
        assert not [s for schemes in SCHEMES.values() for s in schemes if f"`{s}`" not in text]


def test_the_convert_page_has_the_tolerances() -> None:
    text = page("docs/verbs/convert.md")
    rows = [line.split("|")[1:4] for line in text.splitlines() if line.startswith("| `")]
    limits = {
        scheme.strip(" `"): (float(largest), float(mean))
        for names, largest, mean in (row for row in rows if len(row) == 3)
        if largest.strip()[:1].isdigit() and mean.strip()[:1].isdigit()
        for scheme in names.split(",")
    }
    assert limits == {name: (t.largest, t.mean) for name, t in TOLERANCES.items()}


def test_the_check_page_names_every_metric() -> None:
    text = page("docs/verbs/check.md")
    assert not [kind for kind in TABLE if f"`{kind}`" not in text and f"`{kind}@" not in text]


def test_the_bench_page_has_the_presets() -> None:
    text = page("docs/verbs/bench.md")
    for name, preset in PRESETS.items():
        row = f"| `{name}` | {preset.rounds} | {preset.seconds:g} | {preset.samples:,} |"
        assert row in text


def test_the_method_page_has_the_verdicts_in_their_order() -> None:
    text = page("docs/method.md")
    places = [text.index(f"\n| `{verdict.value}` |") for verdict in Verdict]
    assert places == sorted(places)


def test_the_readme_names_every_runtime() -> None:
    assert not [name for name in RUNTIMES if f"| `{name}` |" not in page("README.md")]


def test_the_compress_page_has_the_ladder_of_the_search() -> None:
    from edgewright.compression.auto import LADDER

    text = page("docs/verbs/compress.md").partition("## The search")[2]
    places = [text.find(f"`{rung.recipe}`") for rung in LADDER]
    assert -1 not in places and places == sorted(places)
