"""Every verb has a page, and the page names every option that its --help has."""

from __future__ import annotations

import argparse
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from edgewright.cli import EXIT_CODES, VERBS

DOCS = Path(__file__).parents[2] / "docs"


def module(verb: str) -> ModuleType:
    return importlib.import_module(f"edgewright.cli.{verb.replace('-', '_')}")


def actions(verb: str) -> list[argparse.Action]:
    parser = argparse.ArgumentParser(verb)
    module(verb).add_arguments(parser)
    return list(options(parser))


def options(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Of the verb, and of each of its actions where it has some."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for one in action.choices.values():
                yield from options(one)
        elif action.option_strings:
            yield action


def page(verb: str) -> str:
    return (DOCS / "verbs" / f"{verb}.md").read_text()


@pytest.mark.parametrize("verb", VERBS)
def test_the_page_names_every_option(verb: str) -> None:
    missing = [
        option
        for action in actions(verb)
        for option in action.option_strings
        if not re.search(rf"`{re.escape(option)}[ `]", page(verb))
    ]
    assert not missing, f"docs/verbs/{verb}.md does not mention {missing}"


@pytest.mark.parametrize("verb", VERBS)
def test_the_page_names_no_option_that_is_not_there(verb: str) -> None:
    known = {option for action in actions(verb) for option in action.option_strings}
    rows = [line for line in page(verb).splitlines() if line.startswith("| `-")]
    written = {word for row in rows for word in re.findall(r"`(--?[a-z-]+)", row.split("|")[1])}
    assert written <= known


@pytest.mark.parametrize("verb", VERBS)
def test_the_page_has_its_parts(verb: str) -> None:
    summary = module(verb).SUMMARY
    text = page(verb)
    assert text.startswith(f"# {verb}\n\n{summary}\n"), "title and summary are those of --help"
    for part in ("## Options", "## Example", "## Exit codes", "## Errors"):
        assert part in text


@pytest.mark.parametrize("verb", VERBS)
def test_the_page_shows_every_choice(verb: str) -> None:
    for action in actions(verb):
        for choice in action.choices or ():
            assert f"`{choice}`" in page(verb)


@pytest.mark.parametrize("name", ["docs/verbs/index.md", "README.md"])
def test_the_tables_of_exit_codes_are_complete(name: str) -> None:
    text = (DOCS.parent / name).read_text()
    written = set(re.findall(r"^\| (\d+) \|", text, re.M))
    assert written == set(re.findall(r"(?:codes: |; |\n)(\d+) ", EXIT_CODES))


def test_the_overview_links_every_verb() -> None:
    overview = (DOCS / "verbs" / "index.md").read_text()
    assert re.findall(r"^\| \[`([\w-]+)`\]\(\1\.md\)", overview, re.M) and all(
        f"[`{verb}`]({verb}.md)" in overview for verb in VERBS
    )
