"""The pictures of docs/pictures show the tables that the commands draw now, and load nothing.

They are made by `make pictures`, which runs the commands; here only their headings are compared.
"""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest

from flext_cli.commands import doctor, run, status_tables, verify
from flext_cli.progress import Progress
from flext_cli.status import Place

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "pictures"
TABLES = {
    "doctor": lambda: [doctor.table([])],
    "run": lambda: [run.table("full-sync-job", Progress(), 0.0)],
    "status": lambda: [
        status_tables.runs_table([]),
        *(each for _, each in status_tables.places_tables([Place("s", "item", None, None, None)])),
    ],
    "verify": lambda: [verify.table([])],
}


def words_in(picture):
    svg = (PICTURES / f"{picture}.svg").read_text(encoding="utf-8")
    text = html.unescape(" ".join(re.findall(r">([^<>]*)</text>", svg)))
    return set(text.replace("\xa0", " ").split())


@pytest.mark.parametrize("picture", TABLES)
def test_a_picture_has_the_headings_of_today(picture):
    headings = [str(column.header) for table in TABLES[picture]() for column in table.columns]
    expected = {word for heading in headings for word in heading.split()}
    assert len(expected) >= 4
    missing = expected - words_in(picture)
    assert missing == set(), f"docs/pictures/{picture}.svg lags behind; run: make pictures"


@pytest.mark.parametrize("picture", TABLES)
def test_a_picture_shows_real_rows_and_loads_nothing(picture):
    svg = (PICTURES / f"{picture}.svg").read_text(encoding="utf-8")
    assert re.findall(r"(?:href|src|url)\s*[=(]\s*[\"']?(?:https?:)?//", svg) == []
    assert "@font-face" not in svg
    assert "allocation" in " ".join(words_in(picture))
