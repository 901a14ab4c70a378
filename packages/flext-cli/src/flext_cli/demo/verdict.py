"""Whether both ends agree: journal against tables, counts from the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flext_cli import compare, expected, oracle, wms
from flext_cli.demo.ends import SCHEMA, STREAMS, TABLE_PREFIX, Ends
from flext_cli.oracle import LedgerCounts

_KEY = "ID"


@dataclass(frozen=True)
class StreamResult:
    """One line of the table."""

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


def reach(both: Ends, run_ids: Sequence[str]) -> Result:
    """Compare every stream.

    Raises:
        EndError: an end did not answer, or a table is not there.
    """
    with oracle.connected(both.oracle) as connection:
        ledger = oracle.ledger(connection, SCHEMA, run_ids)
        results = []
        for stream in STREAMS:
            types = wms.describe(both.wms, stream)
            truth = [expected.row(record, types) for record in wms.journal(both.wms, stream)]
            table = oracle.rows(connection, SCHEMA, f"{TABLE_PREFIX}{stream.upper()}")
            results.append(
                StreamResult(
                    compare.compare(stream, _KEY, truth, table.columns, table.rows),
                    ledger.get(stream, LedgerCounts(0, 0, 0, 0)),
                    seconds=0.0,
                )
            )
    return Result(tuple(results))
