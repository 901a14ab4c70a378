"""`python -m benchmarks [name …]`: run, print one table, exit 1 where a bound does not hold."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.table import Table

from benchmarks import harness


def main(wanted: list[str]) -> int:
    """Run the wanted benchmarks (all by default) and return the exit code."""
    console = Console()
    known = harness.names()
    unknown = [name for name in wanted if name not in known]
    if unknown:
        console.print(f"No such benchmark: {', '.join(unknown)}. There are: {', '.join(known)}.")
        return 2
    table = Table("benchmark", "figure", "value", "unit", "compared with", "bound", "holds")
    failed = False
    for name in wanted or known:
        console.print(f"running {name} …")
        for figure in harness.run(name):
            bound = [f"≥ {figure.floor:g}"] if figure.floor is not None else []
            bound += [f"≤ {figure.ceiling:g}"] if figure.ceiling is not None else []
            verdict = ("yes" if figure.holds else "NO") if bound else ""
            failed |= not figure.holds
            table.add_row(
                name,
                figure.name,
                f"{figure.value:,.3f}",
                figure.unit,
                figure.compared_with,
                " ".join(bound),
                verdict,
            )
    console.print(table)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
