"""``edgewright.VERB`` is the function, whatever was imported before."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

import pytest

import edgewright


@pytest.mark.parametrize("verb", edgewright.VERBS)
def test_no_module_hides_the_function(verb: str) -> None:
    assert find_spec(f"edgewright.{verb}") is None, "a module of that name would hide the function"
    import_module(f"edgewright.verbs.{verb}")
    assert callable(getattr(edgewright, verb))
