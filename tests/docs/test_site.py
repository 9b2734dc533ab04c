"""The site builds with no warning, and nothing in it asks another machine for anything."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOADS = re.compile(
    r"""<(?:script|img|iframe|source)\b[^>]*\bsrc=["']?(https?:|//)"""
    r"""|<link\b(?=[^>]*rel=["']?(?:stylesheet|preload|preconnect|icon))[^>]*href=["']?(https?:|//)"""
    r"""|@import\s|url\(["']?(?:https?:|//)"""
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    argv = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(out)]
    env = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


def test_every_page_is_built(site: Path) -> None:
    sources = sorted(p.relative_to(ROOT / "docs") for p in (ROOT / "docs").rglob("*.md"))
    assert not [p for p in sources if not (site / p.with_suffix(".html")).is_file()]


def test_the_site_asks_nobody(site: Path) -> None:
    asking = {
        str(p.relative_to(site)): hit.group(0)
        for p in [*site.rglob("*.html"), *site.rglob("*.css")]
        if (hit := LOADS.search(p.read_text()))
    }
    assert not asking


def test_the_method_page_shows_the_measured_tables(site: Path) -> None:
    shown = (site / "method.html").read_text()
    results = (ROOT / "benchmarks" / "RESULTS.md").read_text()
    section = results.partition("<!-- statistics_truth -->")[2].partition("<!-- ")[0]
    names = re.findall(r"^\| (AR\(.*?\)|\+.*?|1 %.*?) \|", section, re.M)
    assert len(names) > 3 and not [name for name in names if f"<td>{name}</td>" not in shown]
    assert "results: statistics_truth" not in shown


def test_links_of_the_readme_lead_somewhere() -> None:
    for name in ("README.md", "CONTRIBUTING.md"):
        links = re.findall(r"\]\(([^)#]+)", (ROOT / name).read_text())
        relative = [link for link in links if not link.startswith("http")]
        assert relative and not [link for link in relative if not (ROOT / link).exists()]


def test_sections_of_one_beginning_are_all_shown() -> None:
    import runpy

    hook = runpy.run_path(str(ROOT / "scripts" / "docs_results.py"))
    results = hook["RESULTS"].read_text()
    names = re.findall(r"^<!-- (sdk_\w+) -->$", results, re.M)
    shown = hook["on_page_markdown"]("a\n<!-- results: sdk_* -->\nb")
    assert len(names) > 1 and shown.count("\n### ") == len(names)
    assert "Not measured yet." in hook["on_page_markdown"]("<!-- results: nothing_of_it* -->")
    with pytest.raises(ValueError, match="no section 'gone'"):
        hook["on_page_markdown"]("<!-- results: gone -->")
