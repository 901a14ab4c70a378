"""The documentation site builds without a warning, has every page, and fetches nothing.

What a built page loads is looked for in its text; no browser is involved.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
BIN = Path(sys.executable).parent
CONFIG = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
#: What a browser fetches by itself, in pages and style sheets.
FETCHED = re.compile(
    r"""<(?:script|img|link|iframe|source)\b[^>]*?\b(?:src|href)=["']?((?:https?:)?//[^"'\s>]+)"""
    r"""|@import[^;]*?((?:https?:)?//[^"')\s]+)|url\(["']?((?:https?:)?//[^"')\s]+)""",
    re.IGNORECASE,
)


def build(folder):
    command = [str(BIN / "zensical"), "build", "--strict", "--config-file", "mkdocs.yml"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The built site, and what the build said."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(DOCS, folder / "docs")
    shutil.copy(ROOT / "mkdocs.yml", folder)
    done = build(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def pages_of(nav):
    for each in nav:
        value = next(iter(each.values())) if isinstance(each, dict) else each
        yield from pages_of(value) if isinstance(value, list) else [value]


def test_every_page_is_in_the_navigation_once_and_every_entry_is_a_page():
    listed = list(pages_of(CONFIG["nav"]))
    there = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
    assert sorted(listed) == there


def test_every_page_is_built(site):
    for page in pages_of(CONFIG["nav"]):
        built = Path(page).with_suffix(".html")
        built = built.with_name("index.html") if built.name == "README.html" else built
        assert (site / "site" / built).is_file(), built


def test_nothing_is_fetched_from_elsewhere(site):
    fetched = {
        f"{path.relative_to(site)}: {next(filter(None, found))}"
        for path in (site / "site").rglob("*")
        if path.suffix in {".html", ".css", ".svg"}
        for found in FETCHED.findall(path.read_text(encoding="utf-8"))
    }
    assert fetched == set()


@pytest.mark.parametrize(
    "planted",
    ['<script src="https://cdn.example/x.js">', "@import 'https://cdn.example/x.css'",
     "src: url(//cdn.example/x.woff)", '<link rel=stylesheet href="https://fonts.example/f">'],
)  # fmt: skip
def test_what_comes_from_elsewhere_would_be_found(planted):
    assert FETCHED.search(planted)


@pytest.mark.parametrize("planted", ["[x](nowhere.md)", "[x](tutorial/first-demo.md#nowhere)"])
def test_a_broken_link_fails_the_build(planted, tmp_path):
    (tmp_path / "docs" / "tutorial").mkdir(parents=True)
    (tmp_path / "docs" / "tutorial" / "first-demo.md").write_text("# Here\n", encoding="utf-8")
    (tmp_path / "docs" / "index.md").write_text(f"# Home\n\n{planted}\n", encoding="utf-8")
    bare = "site_name: x\nvalidation:\n  invalid_links: true\n  invalid_link_anchors: true\n"
    (tmp_path / "mkdocs.yml").write_text(bare, encoding="utf-8")
    done = build(tmp_path)
    assert done.returncode != 0
    assert "does not exist" in done.stdout + done.stderr


def test_links_and_pictures_of_every_page_lead_somewhere():
    listed = ["git", "ls-files", "-co", "--exclude-standard", "*.md"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    broken = []
    for name in filter(None, names.splitlines()):
        page = ROOT / name
        if not page.is_file():  # deleted, not yet committed
            continue
        text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            path = target.partition("#")[0]
            if path and ":" not in path and not (page.parent / path).exists():
                broken.append(f"{name}: {target}")
    assert broken == []
