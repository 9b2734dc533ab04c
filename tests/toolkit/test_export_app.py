"""The folder of an exported app: what is in it, what is refused, and that it appears whole."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.toolkit.conftest import Command
from tests.toolkit.web_bundle import IMAGE, MODELS, contract, make_artifact, make_bundle

from edgewright import export_app
from edgewright.atomic import WriteFailed
from edgewright.bundle import Bundle
from edgewright.web_app.runtime_files import RUNTIMES, runtime_files, web_files
from edgewright_converters.embed import embed_contract
from edgewright_runtimes.errors import BadInput, EdgewrightError, UnknownName
from edgewright_runtimes.records import Contract, TensorSpec

NAME = "tfjs-float32"
ONLY_CPU = "Einsum"
PAGE_LIMIT_BYTES = 300_000
Export = Callable[..., Path]


def settings(site: Path) -> dict[str, Any]:
    return dict(json.loads((site / "app.json").read_text()))


def files(site: Path) -> set[str]:
    return {p.relative_to(site).as_posix() for p in site.rglob("*") if p.is_file()}


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    make_bundle(tmp_path / "bundle", contract(preprocess={"scale": 0.5}))
    return tmp_path / "bundle"


def test_a_site_has_the_page_the_model_and_its_runtime_alone(pictures: Path) -> None:
    site = pictures.parent / "site"
    done = export_app(pictures, NAME, site, title="A <b> & c")
    assert files(site) == set(done.files) == {*settings(site)["files"], "app.json"}
    assert {name for name in done.files if name.startswith("runtime/")} == {
        "runtime/licences.txt",
        "runtime/worker.js",
        *(f"runtime/tfjs/tfjs-backend-wasm{kind}.wasm" for kind in ("", "-simd", "-threaded-simd")),
    }
    assert {name for name in done.files if name.startswith("model/")} == {
        "model/model.json",
        "model/group1-shard1of1.bin",
        "model/goldens.npz",
    }
    assert (done.runtime, done.kind) == ("tfjs-wasm", "image")
    assert "<h1>A &lt;b&gt; &amp; c</h1>" in (site / "index.html").read_text()


def test_the_page_is_told_what_the_contract_says(pictures: Path) -> None:
    site = pictures.parent / "site"
    export_app(pictures, NAME, site)
    told = settings(site)
    assert told["preprocess"] == {"scale": 0.5} and told["labels"] == ["cat", "dog", "fox"]
    assert told["inputs"] == [{"name": "image", "dtype": "float32", "shape": [None, 8, 6, 1]}]
    assert told["pixels"] == [0, 255] and told["model"] == "model/model.json"
    assert told["goldens"]["items"] == 8 and told["goldens"]["ranges"] == {"kind": 1.0}
    with np.load(site / "model" / "goldens.npz", allow_pickle=False) as arrays:
        assert arrays["input/image"].dtype == np.uint8  # a quarter of the bytes, the same numbers
        assert arrays["output/kind"].shape == (8, 3)


def test_the_service_worker_knows_every_file_by_its_hash(pictures: Path) -> None:
    site = pictures.parent / "site"
    export_app(pictures, NAME, site)
    first, _, script = (site / "sw.js").read_text().partition("\n")
    told = json.loads(first.removeprefix("const SITE=").removesuffix(";"))
    assert set(told["files"]) == files(site) - {"sw.js"}
    for name, sha256 in told["files"].items():
        assert hashlib.sha256((site / name).read_bytes()).hexdigest() == sha256
    again = pictures.parent / "again"
    export_app(pictures, NAME, again)
    assert (again / "sw.js").read_text() == (site / "sw.js").read_text()
    assert script


@pytest.mark.parametrize(("runtime", "format_"), [(r, f) for f in RUNTIMES for r in RUNTIMES[f]])
def test_every_runtime_has_its_files(runtime: str, format_: str) -> None:
    found = runtime_files(runtime, web_files())
    assert all(path.is_file() for path in found.values())
    own = {"tflite": "runtime/litert/", "onnx": "runtime/ort/", "tfjs": "runtime/tfjs/"}[format_]
    assert all(name.startswith((own, "runtime/worker.js")) for name in found)


def test_page_is_small_without_model_and_runtime(pictures: Path) -> None:
    done = export_app(pictures, NAME, pictures.parent / "site")
    assert 10_000 < done.bytes_of("page") < PAGE_LIMIT_BYTES
    parts = [done.bytes_of(part) for part in ("page", "model", "runtime")]
    assert sum(parts) == sum(p.stat().st_size for p in done.path.rglob("*") if p.is_file())


def test_no_file_of_the_page_names_another_place(pictures: Path) -> None:
    site = pictures.parent / "site"
    done = export_app(pictures, NAME, site)
    page = [n for n in done.files if not n.startswith(("model/", "runtime/"))]
    names = {
        n
        for n in page
        for word in ("http:", "https:", "src=/", 'src="/', 'href="/')
        if word
        in (site / n)
        .read_text()
        .replace("http://www.w3.org/2000/svg", "")
        .replace("needs https.", "")
    }
    assert not names


def test_a_form_has_a_field_for_each_number(tmp_path: Path) -> None:
    inputs = (
        TensorSpec(name="size", dtype="float32", shape=(None, 2)),
        TensorSpec(name="count", dtype="int32", shape=(None, 1)),
        TensorSpec(name="sunny", dtype="bool", shape=(None,)),
    )
    make_bundle(tmp_path / "bundle", contract(*inputs))
    done = export_app(tmp_path / "bundle", NAME, tmp_path / "site")
    fields = settings(done.path)["fields"]
    assert done.kind == "form"
    assert [f["label"] for f in fields] == ["size 1", "size 2", "count", "sunny"]
    assert [f["type"] for f in fields] == ["number", "number", "integer", "yes-no"]
    names = tmp_path / "names.txt"
    names.write_text("length\nwidth\n\nhow many\nsun\n")
    export_app(tmp_path / "bundle", NAME, tmp_path / "site", fields=names)
    labels = [f["label"] for f in settings(tmp_path / "site")["fields"]]
    assert labels == ["length", "width", "how many", "sun"]
    with pytest.raises(BadInput, match=r"2 names were given for the 4 fields .*size float32"):
        export_app(tmp_path / "bundle", NAME, tmp_path / "site", fields=["a", "b"])


@pytest.mark.parametrize(
    ("high", "whole", "expected"),
    [(1.0, False, [0, 1]), (255.0, True, [0, 255])],
)
def test_the_range_of_pixels_is_seen_in_real_items(
    tmp_path: Path, high: float, whole: bool, expected: list[float]
) -> None:
    x = np.linspace(0, high, 8 * 48).reshape(8, 8, 6, 1).astype("f4")
    make_bundle(tmp_path / "bundle", contract(), raw={"x": np.rint(x) if whole else x})
    export_app(tmp_path / "bundle", NAME, tmp_path / "site")
    assert settings(tmp_path / "site")["pixels"] == expected


def test_a_range_that_cannot_be_seen_has_to_be_said(tmp_path: Path) -> None:
    x = np.linspace(0, 16, 8 * 48).reshape(8, 8, 6, 1).astype("f4")
    make_bundle(tmp_path / "bundle", contract(), raw={"x": x})
    with pytest.raises(BadInput, match=r"from 0 to 16: neither .*--pixels BLACK:WHITE"):
        export_app(tmp_path / "bundle", NAME, tmp_path / "site")
    export_app(tmp_path / "bundle", NAME, tmp_path / "site", pixels="16:0")
    assert settings(tmp_path / "site")["pixels"] == [16, 0]
    for wrong in ("16", "1:1", "a:b", "0:inf", "nan:0", "0:1:2"):
        with pytest.raises(BadInput, match="two different numbers"):
            export_app(tmp_path / "bundle", NAME, tmp_path / "site", pixels=wrong)


def test_random_goldens_give_no_range_and_are_said_to_be_random(tmp_path: Path) -> None:
    make_bundle(tmp_path / "bundle", contract(), golden="random")
    done = export_app(tmp_path / "bundle", NAME, tmp_path / "site")
    assert settings(done.path)["pixels"] == [0, 255]
    assert settings(done.path)["goldens"]["real"] is False and "random" in done.notes[0]
    with np.load(done.path / "model" / "goldens.npz", allow_pickle=False) as arrays:
        assert (arrays["input/image"] == 0.5).all(), "what the model takes, not what is raw"


def test_goldens_can_be_kept_out(pictures: Path) -> None:
    done = export_app(pictures, NAME, pictures.parent / "site", goldens=False)
    assert settings(done.path)["goldens"] is None
    assert "model/goldens.npz" not in done.files and "no self-test" in done.notes[0]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (contract(batch=4), "takes 4 items at a time"),
        (contract(replace(IMAGE, dtype="int8", scale=0.1)), "integers at its edge"),
        (contract(replace(IMAGE, dtype="string", shape=(None, 1))), "image string"),
        (contract(replace(IMAGE, shape=(None, 49, 40))), r"1,960 fields is too long"),
        (contract(replace(IMAGE, shape=(None, None))), "its length is open"),
    ],
)
def test_what_a_page_cannot_do_is_refused(tmp_path: Path, said: Contract, words: str) -> None:
    make_bundle(tmp_path / "bundle", said)
    with pytest.raises(BadInput, match=words):
        export_app(tmp_path / "bundle", NAME, tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_a_file_that_its_runtime_refuses_is_refused_here(tmp_path: Path) -> None:
    bundle = Bundle.create(tmp_path / "bundle")
    built = bundle.work_folder() / "tflite-float32"
    built.mkdir()
    model = built / "model.tflite"
    shutil.copy(MODELS / "dense.tflite", model)
    free = TensorSpec(name="x", dtype="int8", shape=(None, 8))
    embed_contract(model, contract(free))
    artifact = make_artifact(contract(free))
    bundle.add_artifact(
        replace(artifact, name="tflite-float32", format="tflite", file=model.name), built
    )
    with pytest.raises(BadInput, match=r"does not run in a page: litertjs-wasm: .*--batch 1"):
        export_app(bundle.path, "tflite-float32", tmp_path / "site")


def test_another_backend_is_taken_where_one_lacks_a_kernel(tmp_path: Path) -> None:
    make_bundle(tmp_path / "bundle", contract(), op=ONLY_CPU)
    done = export_app(tmp_path / "bundle", NAME, tmp_path / "site")
    assert done.runtime == "tfjs-cpu" and ONLY_CPU in done.notes[0]
    assert "runtime/tfjs/tfjs-backend-wasm.wasm" not in done.files
    with pytest.raises(BadInput, match=rf"{ONLY_CPU}.*--runtime tfjs-cpu takes it"):
        export_app(tmp_path / "bundle", NAME, tmp_path / "site", runtime="tfjs-wasm")


def test_a_kernel_that_no_backend_has(tmp_path: Path) -> None:
    make_bundle(tmp_path / "bundle", contract(), op="TextVectorization")
    with pytest.raises(BadInput, match="artifact of another format"):
        export_app(tmp_path / "bundle", NAME, tmp_path / "site")


def test_a_runtime_of_another_format_is_unknown(pictures: Path) -> None:
    with pytest.raises(UnknownName, match="known: tfjs-cpu, tfjs-wasm"):
        export_app(pictures, NAME, pictures.parent / "site", runtime="litertjs-wasm")
    assert export_app(pictures, NAME, pictures.parent / "site", runtime="tfjs-cpu").runtime == (
        "tfjs-cpu"
    )


def test_options_of_the_other_kind_are_refused(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="takes a picture"):
        export_app(pictures, NAME, pictures.parent / "site", fields=["a"])
    make_bundle(tmp_path / "form", contract(TensorSpec(name="x", dtype="float32", shape=(None, 2))))
    with pytest.raises(BadInput, match="--pixels is for pictures"):
        export_app(tmp_path / "form", NAME, pictures.parent / "site", pixels="0:1")


def test_an_earlier_export_is_replaced_and_nothing_else_is_touched(pictures: Path) -> None:
    site = pictures.parent / "site"
    export_app(pictures, NAME, site, runtime="tfjs-cpu", title="old")
    export_app(pictures, NAME, site, title="new")
    assert "<h1>new</h1>" in (site / "index.html").read_text()
    (site / "CNAME").write_text("example.org")
    (site / "model" / "notes.txt").write_text("mine")
    with pytest.raises(BadInput, match=r"more than an earlier export: CNAME, model/notes.txt"):
        export_app(pictures, NAME, site)
    done = export_app(pictures, NAME, site, runtime="tfjs-cpu", force=True)
    assert files(site) == {*done.files, "CNAME", "model/notes.txt"}
    assert (site / "CNAME").read_text() == "example.org"
    assert not [p for p in site.parent.iterdir() if p.name.startswith(".")]


def test_a_folder_of_other_things_is_refused(pictures: Path) -> None:
    site = pictures.parent / "site"
    site.mkdir()
    (site / "app.json").write_text("{}")
    with pytest.raises(BadInput, match=r"not empty and not an export: app.json.*--force"):
        export_app(pictures, NAME, site)
    assert files(site) == {"app.json"}
    (site / "app.json").rename(site / "mine.json")
    done = export_app(pictures, NAME, site, force=True)
    assert settings(site)["edgewright_app"] == 1
    assert files(site) == {*done.files, "mine.json"}
    (pictures.parent / "file").write_text("")
    with pytest.raises(BadInput, match="is a file"):
        export_app(pictures, NAME, pictures.parent / "file", force=True)
    (pictures.parent / "empty").mkdir()
    assert export_app(pictures, NAME, pictures.parent / "empty").files


@pytest.mark.parametrize("mine", ["index.html", "model", "model/model.json/notes.txt"])
def test_a_file_of_somebody_s_with_a_name_of_the_site_s_is_never_replaced(
    pictures: Path, mine: str
) -> None:
    site = pictures.parent / "site"
    (site / mine).parent.mkdir(parents=True)
    (site / mine).write_text("mine")
    with pytest.raises(BadInput, match=f"not of an export and have its names: {mine}"):
        export_app(pictures, NAME, site, force=True)
    assert files(site) == {mine}
    assert (site / mine).read_text() == "mine"
    assert [p.name for p in site.parent.iterdir() if p.name.startswith(".")] == []


def test_nothing_is_left_of_an_export_that_fails(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = pictures.parent / "site"
    export_app(pictures, NAME, site, title="old")
    from edgewright.web_app import contents

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(contents, "_write_service_worker", full)
    with pytest.raises(WriteFailed, match="No space left"):
        export_app(pictures, NAME, site, title="new")
    assert "<h1>old</h1>" in (site / "index.html").read_text()
    assert sorted(p.name for p in site.parent.iterdir()) == ["bundle", "site"]


def test_a_bundle_without_contract_or_artifact(pictures: Path) -> None:
    with pytest.raises(UnknownName, match="no artifact named 'tfjs-int8'; known: tfjs-float32"):
        export_app(pictures, "tfjs-int8", pictures.parent / "site")
    model = pictures / "artifacts" / NAME / "model.json"
    model.write_text(json.dumps({"modelTopology": {}}))
    with pytest.raises(EdgewrightError, match="carries no contract"):
        export_app(pictures, NAME, pictures.parent / "site")


def test_the_command_line(pictures: Path, command: Command) -> None:
    words = ("export-app", pictures, "--artifact", NAME, "--out", pictures.parent / "site")
    ran = command(*words, "--json")
    assert ran.code == 0, ran.err
    said = ran.json()
    assert said["kind"] == "image" and said["page_bytes"] < PAGE_LIMIT_BYTES
    ran = command(*words)
    assert ran.code == 0 and "python -m http.server" in ran.out and os.sep in ran.out
    ran = command(*words, "--runtime", "nope")
    assert (ran.code, ran.out) == (2, "") and "no runtime of a page for tfjs named" in ran.err
