"""The real models are those the project names, byte for byte: another file is another result."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

LISTED = tomllib.loads((Path(__file__).parent / "real_files.toml").read_text())


@pytest.mark.parametrize("name", LISTED)
def test_it_is_the_file_that_is_named(name: str, real: Callable[[str], Path]) -> None:
    assert LISTED[name]["source"]
    assert hashlib.sha256(real(name).read_bytes()).hexdigest() == LISTED[name]["sha256"]
