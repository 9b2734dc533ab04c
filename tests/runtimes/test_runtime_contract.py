"""Every row of the table of runtimes keeps the same promises (``runtime_contract.py``)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgewright_runtimes.errors import MissingExtra, UnknownName
from edgewright_runtimes.runtime import RUNTIMES, open_session

HERE = Path(__file__).parent
SOURCE = HERE.parents[1] / "runtimes" / "src"
ABSENT = "tflite-runtime environment absent (make install; EDGEWRIGHT_TFLITE_PYTHON)"


def interpreter_of(runtime: str) -> str:
    """tflite-runtime wants numpy 1 and has an environment of its own."""
    if runtime != "tflite-runtime":
        return sys.executable
    python = os.environ.get("EDGEWRIGHT_TFLITE_PYTHON", "")
    if not python or not Path(python).exists():
        pytest.skip(ABSENT)
    return python


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_runtime_keeps_the_contract(runtime: str) -> None:
    done = subprocess.run(
        [interpreter_of(runtime), str(HERE / "runtime_contract.py"), runtime],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, f"the runtime died: {done.stdout}\n{done.stderr[-2000:]}"
    assert done.stdout.startswith("ok ")
    assert "not ok" not in done.stdout, done.stdout


def test_an_unknown_runtime_names_the_known_ones() -> None:
    with pytest.raises(UnknownName, match=r"known: .*litert.* did you mean 'litert'\?"):
        open_session(Path("m"), "lite-rt")


@pytest.mark.parametrize(
    ("runtime", "package", "extra"),
    [(r.name, r.package, r.extra) for r in RUNTIMES.values() if r.package],
)
def test_a_missing_runtime_says_how_to_get_it(
    runtime: str, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = f"edgewright_runtimes.backends.{RUNTIMES[runtime].module}"
    monkeypatch.delitem(sys.modules, backend, raising=False)
    for name in [m for m in sys.modules if m.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Without(package), *sys.meta_path])
    wanted = rf"pip install 'edgewright-runtimes\[{extra}\]'"
    if extra == "tflite" and sys.version_info >= (3, 12):
        wanted = "no wheel of tflite-runtime"
    with pytest.raises(MissingExtra, match=wanted):
        open_session(Path("m"), runtime)
    monkeypatch.delitem(sys.modules, backend, raising=False)


def test_no_extra_is_named_where_it_would_install_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 13, 0))
    hint = RUNTIMES["tflite-runtime"].how_to_get
    assert "no wheel of tflite-runtime for Python 3.13, only below 3.12" in hint
    assert "litert" in hint and "doctor --make tflite-runtime" in hint
    assert "edgewright-runtimes[" not in hint
    assert RUNTIMES["litert"].how_to_get == "pip install 'edgewright-runtimes[litert]'"


class Without:
    """An import system that does not have one package."""

    def __init__(self, package: str) -> None:
        self.package = package

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.partition(".")[0] == self.package:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
