"""One version, one place to change it; and locks that hold what the projects ask for."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from version import FILES, with_version
from wheels import ROOT

VERSION = (ROOT / "VERSION").read_text().strip()
LOCKS = {
    "dev": "requirements.lock",
    "tfjs": "requirements-tfjs.lock",
    "tflite": "requirements-tflite.lock",
}


def test_the_files_are_at_the_version() -> None:
    for name in FILES:
        text = (ROOT / name).read_text()
        assert with_version(text, VERSION) == text, name


def test_another_version_reaches_every_file_and_every_pin() -> None:
    for name in FILES:
        text = with_version((ROOT / name).read_text(), "98.7.6")
        assert "98.7.6" in text
        assert f'"{VERSION}"' not in text and f"=={VERSION}" not in text, name


@pytest.mark.parametrize(
    "name", ["edgewright", "edgewright-converters", "edgewright-runtimes", "edgewright-web"]
)
def test_what_is_installed_is_at_the_version(name: str) -> None:
    assert metadata.version(name) == VERSION


def locked(kind: str) -> dict[str, str]:
    text = (ROOT / LOCKS[kind]).read_text()
    return {canonicalize_name(n): v for n, v in re.findall(r"(?m)^([\w.-]+)==(\S+)", text)}


def asked(kind: str) -> list[Requirement]:
    argv = [sys.executable, str(ROOT / "scripts" / "lock_inputs.py"), kind]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    found = [Requirement(line) for line in done.stdout.splitlines()]
    return [r for r in found if r.marker is None or r.marker.evaluate({"python_version": "3.11"})]


@pytest.mark.parametrize("kind", LOCKS)
def test_a_lock_holds_what_is_asked_for(kind: str) -> None:
    pins = locked(kind)
    for requirement in asked(kind):
        version = pins.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement.name} is not in {LOCKS[kind]}; run make lock"
        assert requirement.specifier.contains(version), f"{requirement}: {version}; run make lock"


@pytest.mark.parametrize("kind", LOCKS)
def test_every_pin_has_a_hash_and_no_address(kind: str) -> None:
    text = (ROOT / LOCKS[kind]).read_text()
    for block in re.split(r"(?m)^(?=[\w.-]+==)", text)[1:]:
        assert "--hash=sha256:" in block, block.split()[0]
    assert "://" not in text and "index-url" not in text and "find-links" not in text
