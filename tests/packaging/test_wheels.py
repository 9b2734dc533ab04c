"""What the wheels carry, that their requirements resolve, and that they work installed."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from wheels import ROOT, build

pytestmark = pytest.mark.slow
DATA = {
    "edgewright": {
        "edgewright/demo/plan.toml",
        "edgewright/inspection/tflite_ops.txt",
        "edgewright/reporting/templates/report.css",
        "edgewright/reporting/templates/report.html.j2",
        "edgewright/reporting/templates/report.js",
    },
    "edgewright_converters": {
        "edgewright_converters/tfjs_graph/kernels.json",
        "edgewright_converters/tfjs_graph/other_formats.json",
    },
    "edgewright_runtimes": set(),
    "edgewright_web": {
        "edgewright_web/static/index.html",
        "edgewright_web/static/app/main.js",
        "edgewright_web/static/app/serve.js",
        "edgewright_web/static/app/worker.js",
        "edgewright_web/static/licences/Apache-2.0.txt",
        "edgewright_web/static/licences/onnxruntime.txt",
        "edgewright_web/static/licences/onnxruntime-third-party.txt",
        "edgewright_web/static/vendor/ort/ort-wasm-simd-threaded.wasm",
        "edgewright_web/static/vendor/litert/litert_wasm_internal.wasm",
        "edgewright_web/static/vendor/tfjs/tfjs-backend-wasm-simd.wasm",
    },
}
FOLDERS = {
    "edgewright": "toolkit",
    "edgewright_converters": "converters",
    "edgewright_runtimes": "runtimes",
    "edgewright_web": "runtimes/web",
}
LICENCES = {"edgewright_web": "Apache-2.0 AND MIT"}  # of the packages in it


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    wheels = build(tmp_path_factory.mktemp("wheels"))
    return {path.name.split("-")[0]: path for path in wheels}


@pytest.mark.parametrize("name", FOLDERS)
def test_every_file_of_the_package_and_no_other(built: dict[str, Path], name: str) -> None:
    source = ROOT / FOLDERS[name] / "src"
    with zipfile.ZipFile(built[name]) as wheel:
        files = {entry for entry in wheel.namelist() if ".dist-info/" not in entry}
        info = {entry.partition(".dist-info/")[2] for entry in wheel.namelist()}
    there = {
        path.relative_to(source).as_posix()
        for path in source.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert files == there
    assert DATA[name] | {f"{name}/py.typed"} <= files
    assert "licenses/LICENSE" in info


@pytest.mark.parametrize("name", FOLDERS)
def test_the_metadata_says_licence_pythons_and_lockstep(built: dict[str, Path], name: str) -> None:
    with zipfile.ZipFile(built[name]) as wheel:
        entry = next(e for e in wheel.namelist() if e.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(wheel.read(entry).decode())
    version = (ROOT / "VERSION").read_text().strip()
    assert metadata["Version"] == version
    assert metadata["License-Expression"] == LICENCES.get(name, "Apache-2.0")
    assert metadata["Requires-Python"] == ">=3.10"
    for requirement in metadata.get_all("Requires-Dist", []):
        if requirement.startswith("edgewright"):
            assert f"=={version}" in requirement


def script(name: str, *words: str | Path) -> str:
    argv = [sys.executable, str(ROOT / "scripts" / name), *map(str, words)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.timeout(1200)
def test_every_combination_resolves_as_expected(built: dict[str, Path]) -> None:
    table = script("resolve.py", built["edgewright"].parent)
    assert table.count("| edgewright | resolves |") == 4


@pytest.mark.timeout(1200)
def test_installed_with_all_it_needs_it_works(built: dict[str, Path]) -> None:
    """On the oldest and the newest Python; the others by hand, with the same script."""
    table = script("smoke_wheels.py", "3.10", "3.13")
    assert "FAILED" not in table
    assert table.count("not asked for") == 2
