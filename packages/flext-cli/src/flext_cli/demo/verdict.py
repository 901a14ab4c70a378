"""Whether both ends agree: journal against tables, counts from the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flext_cli import compare, expected, oracle, wms
from flext_cli.demo.ends import SCHEMA, STREAMS, TABLE_PREFIX, Ends
from flext_cli.oracle import LedgerCounts
from flext_observability import runs

_KEY = "ID"


@dataclass(frozen=True)
class StreamResult:
    """One line of the table; `seconds` is what the target spent on the stream's batches."""

    comparison: compare.Comparison
    ledger: LedgerCounts
    seconds: float


@dataclass(frozen=True)
class Result:
    """All streams of the demo."""

    streams: tuple[StreamResult, ...]

    @property
    def first_difference(self) -> compare.Difference | None:
        """The first thing that differs, in the order of the streams."""
        for stream in self.streams:
            if stream.comparison.first:
                return stream.comparison.first
        return None


def reach(both: Ends, run_ids: Sequence[str], workspace: Path) -> Result:
    """Compare every stream, with what the runs of this workspace did to each.

    Raises:
        EndError: an end did not answer, or a table is not there.
    """
    with oracle.connected(both.oracle) as connection:
        ledger = oracle.ledger(connection, SCHEMA, run_ids)
        seconds = _load_seconds(workspace, run_ids)
        results = []
        for stream in STREAMS:
            types = wms.describe(both.wms, stream)
            truth = [expected.row(record, types) for record in wms.journal(both.wms, stream)]
            table = oracle.rows(connection, SCHEMA, f"{TABLE_PREFIX}{stream.upper()}")
            results.append(
                StreamResult(
                    compare.compare(stream, _KEY, truth, table.columns, table.rows),
                    ledger.get(stream, LedgerCounts(0, 0, 0, 0)),
                    seconds.get(stream, 0.0),
                )
            )
    return Result(tuple(results))


def _load_seconds(workspace: Path, run_ids: Sequence[str]) -> dict[str, float]:
    """Seconds that the target spent loading each stream, from its run records."""
    seconds: dict[str, float] = {}
    for run_id in run_ids:
        for record in runs.read(workspace, run_id=run_id):
            for stream, metrics in record.streams.items():
                spent = metrics.get("timings", {}).get("batch_seconds", {}).get("seconds", 0.0)
                seconds[stream] = seconds.get(stream, 0.0) + spent
    return seconds
