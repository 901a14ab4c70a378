"""The journal: every version of every row, append-only, and the truth folded from it.

Reads nothing but the journal, so that it can judge what the rows say.
"""

from collections.abc import Iterator

import msgspec

from wms_emulator.records import named
from wms_emulator.schema.model import Entity
from wms_emulator.store.database import Database
from wms_emulator.store.tables import journal


def append(
    database: Database, entity: Entity, record_id: int, at_us: int, body: bytes | None
) -> int:
    """Add a version (None: the row was deleted), visible from `at_us` on; its number."""
    sql = f"INSERT INTO {journal(entity)} (pk, at_us, body) VALUES (?, ?, ?)"
    seq = database.execute(sql, (record_id, at_us, body)).lastrowid
    if seq is None:
        raise RuntimeError("SQLite gave no row id for an INSERT")
    return seq


def truth(database: Database, entity: Entity, *, at_us: int | None = None) -> Iterator[bytes]:
    """The record texts visible now (or at an instant), by id.

    Changes made while the answer is being read do not show in it.
    """
    table = journal(entity)
    newest = database.execute(f"SELECT max(seq) FROM {table}").fetchone()[0] or 0
    sql = (
        f"SELECT v.body FROM {table} v JOIN (SELECT max(seq) AS seq FROM {table}"
        " WHERE seq <= ? AND (? IS NULL OR at_us <= ?) GROUP BY pk) last ON last.seq = v.seq"
        " WHERE v.body IS NOT NULL ORDER BY v.pk"
    )
    for (body,) in database.execute(sql, (newest, at_us, at_us)):
        if not entity.base:
            yield body
        elif _chosen(entity, body):
            yield named(entity, body)


def _chosen(entity: Entity, body: bytes) -> bool:
    """Whether a record of the base belongs to the subset, by the record itself."""
    name, wanted = entity.subset
    value = msgspec.json.decode(body)[name]
    return bool((value["id"] if isinstance(value, dict) else value) == wanted)
