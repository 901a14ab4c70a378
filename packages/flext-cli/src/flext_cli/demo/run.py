"""The demo, top to bottom. What it starts is in `ends.py`, what it checks in `verdict.py`."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flext_cli import clock, meltano
from flext_cli.demo import ends, folder, verdict
from flext_cli.demo.processes import Household, tail
from flext_cli.errors import MeltanoError
from flext_cli.project import Project

FULL_JOB = "full-sync-job"
INCREMENTAL_JOB = "incremental-sync-job"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """What a demo showed, and how to reach its ends if they were kept."""

    result: verdict.Result
    full_run_id: str
    incremental_run_id: str
    seconds: float
    kept: ends.Kept | None


def run(project: Project, *, rows: int, keep: bool, say: Say) -> Outcome:
    """Start both ends, load, change, load what changed, compare.

    Raises:
        EndError: an end failed.
        MeltanoError: a job failed; its log's end is in the details.
    """
    started_s = clock.monotonic_s()
    place = folder.make(project)
    environ = folder.environment(os.environ)
    kept = None
    with Household() as household:
        try:
            say("starting wms-emulator (HTTPS) and oracle-emulator (TCPS)")
            both = ends.start(household, place, environ, rows=rows, keep=keep)
            say(f"WMS at {both.wms.base_url}, Oracle at {both.oracle_dsn}")
            ends.make_account(both)
            folder.write_settings(place, both.settings())

            say(f"meltano run {FULL_JOB}: everything once, then the hand-over")
            full_run_id = _job(household, place, environ, FULL_JOB)
            say("changing data in the WMS: new rows and updates")
            ends.change(both, rows=rows)
            say(f"meltano run {INCREMENTAL_JOB}: what changed since")
            incremental_run_id = _job(household, place, environ, INCREMENTAL_JOB)

            say("comparing both ends, row by row and column by column")
            result = verdict.reach(both, (full_run_id, incremental_run_id), place.root)
            kept = _keep(household, place, both) if keep else None
        finally:
            if kept is None:
                folder.clean(place)
    return Outcome(result, full_run_id, incremental_run_id, clock.monotonic_s() - started_s, kept)


def _job(household: Household, place: folder.Folder, environ: Mapping[str, str], job: str) -> str:
    """Run one Meltano job under a run id of our own; answers the id."""
    run_id = str(uuid.uuid4())
    log = place.log(job)
    code = household.run(
        job,
        [str(meltano.executable("meltano")), "run", job],
        {**environ, "MELTANO_RUN_ID": run_id},
        log,
        place.root,
    )
    if code:
        raise MeltanoError(
            f"`meltano run {job}` ended with exit code {code}",
            remedy=f"its whole log is {log}",
            details=tail(log),
        )
    return run_id


def _keep(household: Household, place: folder.Folder, both: ends.Ends) -> ends.Kept:
    pids = household.keep()
    folder.write_pids(place, pids)
    return ends.Kept(both, str(place.env_file), tuple(pids))
