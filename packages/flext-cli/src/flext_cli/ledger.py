"""What the tables of FLEXT in Oracle say of the pipeline, beside what Meltano's states say.

The target's own readings are used, as `ends` opens them; nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flext_cli.ends import OracleSide
from flext_cli.handover import merged
from flext_target_oracle import overview
from flext_target_oracle.overview import Held, Refused
from flext_target_oracle.sql import identifiers


@dataclass(frozen=True)
class TableLine:
    """One table of one scope as Oracle has it; times are UTC.

    Attributes:
        holder: who holds it now; None where nobody does.
        bookmark: the last one that Oracle was told, as the tap wrote its value.
        committed_at: of the last batch in the days asked for.
    """

    table: str
    scope: str
    holder: str | None
    bookmark: str | None
    committed_at: datetime | None
    batches: int
    received: int
    inserted: int
    updated: int
    rejected: int
    deleted: int


def tables(oracle: OracleSide, *, days: float) -> list[TableLine]:
    """Each table of each scope, with what was loaded into it in so many last days."""
    with oracle.database.session("status") as session:
        fences = overview.fences(session, oracle.control_schema)
        lately = overview.loaded(session, oracle.control_schema, days=days)
    found = {(each.table, each.scope): each for each in lately}
    lines = []
    for held in fences:
        did = found.get((held.table, held.scope))
        lines.append(
            TableLine(
                held.table, held.scope, _holder(held), _value(held.bookmark),
                None if did is None else did.committed_at,
                *((0,) * 6 if did is None else (
                    did.batches, did.received, did.inserted, did.updated, did.rejected, did.deleted,
                )),
            )
        )  # fmt: skip
    return lines


def _holder(held: Held) -> str | None:
    if not held.is_live:
        return None
    return f"run {held.run_id} of {held.owner}"


def _value(bookmark: Any) -> str | None:
    if not isinstance(bookmark, Mapping):
        return None
    value = bookmark.get("replication_key_value")
    return None if value is None else str(value)


def out_of_step(
    oracle: OracleSide, states: Mapping[str, Mapping[str, Any]]
) -> tuple[int, list[tuple[str, str]]]:
    """Compare Meltano's bookmarks with what Oracle was told, by the rule of a run's beginning.

    Returns:
        How many were compared, and stream and reason of those with which a run would be refused.
    """
    compared, found = 0, []
    with oracle.database.session("doctor") as session:
        fences = {
            (each.table, each.scope): each
            for each in overview.fences(session, oracle.control_schema)
        }
        for scope, entry in sorted(states.items()):
            for stream, bookmark in sorted((merged(entry).get("bookmarks") or {}).items()):
                held = fences.get((table_of(oracle, stream), scope))
                if held is None or not bookmark:
                    continue
                compared += 1
                why = overview.out_of_step(session, held, stream, bookmark)
                if why is not None:
                    found.append((stream, why))
    return compared, found


def rejects(
    oracle: OracleSide, *, stream: str | None, run_id: str | None, limit: int
) -> list[Refused]:
    """Rows that were refused, newest first."""
    with oracle.database.session("rejects") as session:
        return overview.rejects(
            session, oracle.control_schema, stream=stream, run_id=run_id, limit=limit
        )


def forget(oracle: OracleSide, reject_ids: Sequence[str]) -> None:
    """Remove refused rows that were brought in since."""
    with oracle.database.session("rejects") as session:
        overview.forget_rejects(session, oracle.control_schema, reject_ids)


def table_of(oracle: OracleSide, stream: str) -> str:
    """The table of a stream as SCHEMA.TABLE, as the target names it."""
    limit = oracle.database.max_identifier_bytes
    table = identifiers.identifier(oracle.settings.table_prefix + stream, max_bytes=limit)
    return f"{oracle.settings.target_schema}.{table}"
