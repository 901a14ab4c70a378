"""What the demo prints at its end: a table or a JSON object, and how to reach kept ends. Pure."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from flext_cli.demo.ends import Kept
from flext_cli.demo.run import Outcome
from flext_cli.demo.verdict import StreamResult

_HEADINGS = ("rows in the WMS", "rows in Oracle", "inserted", "updated", "equal", "seconds")


def table(outcome: Outcome) -> Table:
    """The result for a person."""
    result = Table(title="WMS → Oracle")
    result.add_column("stream", no_wrap=True)
    for heading in _HEADINGS:
        result.add_column(heading, justify="right")
    for stream in outcome.result.streams:
        result.add_row(
            stream.comparison.stream,
            str(stream.comparison.expected_rows),
            str(stream.comparison.actual_rows),
            str(stream.ledger.inserted),
            str(stream.ledger.updated),
            "yes" if stream.comparison.equal else "[bold red]no[/]",
            f"{stream.seconds:.1f}",
        )
    return result


def as_json(outcome: Outcome) -> dict[str, Any]:
    """The result for a machine."""
    difference = outcome.result.first_difference
    return {
        "equal": difference is None,
        "first_difference": None if difference is None else _difference(outcome),
        "full_run_id": outcome.full_run_id,
        "incremental_run_id": outcome.incremental_run_id,
        "seconds": round(outcome.seconds, 3),
        "streams": [_stream(stream) for stream in outcome.result.streams],
        "kept": None if outcome.kept is None else _kept(outcome.kept),
    }


def kept(ends: Kept) -> str:
    """How to reach and how to stop what was left running."""
    wms, oracle, dsn = ends.ends.wms, ends.ends.oracle, ends.ends.oracle_dsn
    return "\n".join(
        [
            "The emulators stay up.",
            f"  WMS      {wms.base_url}  user {wms.username}, CA {wms.ca_file}",
            f"  Oracle   {dsn}  user {oracle.user}, wallet {oracle.wallet_location}",
            f"  passwords and all settings   {ends.env_file}",
            f"  stop them with   kill {' '.join(map(str, ends.pids))}",
        ]
    )


def _stream(stream: StreamResult) -> dict[str, Any]:
    comparison = stream.comparison
    return {
        "stream": comparison.stream,
        "wms_rows": comparison.expected_rows,
        "oracle_rows": comparison.actual_rows,
        "missing": comparison.missing,
        "extra": comparison.extra,
        "changed": comparison.changed,
        "equal": comparison.equal,
        "columns_that_differ": dict(comparison.columns),
        "inserted": stream.ledger.inserted,
        "updated": stream.ledger.updated,
        "unchanged": stream.ledger.unchanged,
        "rejected": stream.ledger.rejected,
        "seconds": round(stream.seconds, 3),
    }


def _difference(outcome: Outcome) -> dict[str, Any] | None:
    difference = outcome.result.first_difference
    if difference is None:
        return None
    return {
        "stream": difference.stream,
        "key": difference.key,
        "column": difference.column,
        "expected": str(difference.expected),
        "actual": str(difference.actual),
    }


def _kept(ends: Kept) -> dict[str, Any]:
    return {
        "base_url": ends.ends.wms.base_url,
        "dsn": ends.ends.oracle_dsn,
        "user": ends.ends.oracle.user,
        "env_file": ends.env_file,
        "pids": list(ends.pids),
    }
