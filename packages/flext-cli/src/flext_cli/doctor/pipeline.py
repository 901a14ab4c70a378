"""Between both ends: the project's jobs, who holds its leases, whether states are believable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import flext_coordination
from flext_cli import clock, ends, ledger, meltano, status, unfinished
from flext_cli.doctor.findings import Finding
from flext_cli.errors import FlextError, SettingsRefusedError
from flext_cli.project import Project

ABOUT = "pipeline"
_LATE_S = 24 * 3600.0


def check(project: Project, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Look at jobs, leases and states."""
    yield from _jobs(project)
    yield from _leases(project, environ)
    yield from _refreshes(project, environ)
    yield from _states(project, environ)


def _refreshes(project: Project, environ: Mapping[str, str]) -> Iterator[Finding]:
    try:
        found = unfinished.read(project.workspace(environ))
    except FlextError as error:
        yield Finding(ABOUT, "refreshes", "error", str(error), error.remedy)
        return
    for each in found:
        yield Finding(ABOUT, "refreshes", "error", str(each), each.remedy)
    if not found:
        yield Finding(ABOUT, "refreshes", "ok", "none that was begun has not ended")


def _jobs(project: Project) -> Iterator[Finding]:
    for mode in ("full", "incremental"):
        if project.pairs(mode):
            yield Finding(ABOUT, f"{mode} job", "ok", f"{len(project.pairs(mode))} pairs")
        else:
            yield Finding(
                ABOUT, f"{mode} job", "error", f"no job runs an extractor in sync_mode {mode}",
                "take the jobs from the meltano.yml that comes with FLEXT",
            )  # fmt: skip


def _leases(project: Project, environ: Mapping[str, str]) -> Iterator[Finding]:
    try:
        records = flext_coordination.read(project.workspace(environ))
    except flext_coordination.CoordinationError as error:
        yield Finding(
            ABOUT, "leases", "error", str(error), "see `flext token status`; a broken file can go:"
            " the database's fence is what counts",
        )  # fmt: skip
        return
    held = [record for record in records if record.state == "held"]
    for record in held:
        who = f"{record.scope} is held by {record.owner} (process {record.pid} on {record.host})"
        if record.expires_at < clock.now():
            yield Finding(
                ABOUT, "leases", "warning", f"{who}, but expired at {_time(record.expires_at)}",
                "the next run takes it over; look why that process stopped without a word",
            )  # fmt: skip
        else:
            yield Finding(ABOUT, "leases", "ok", f"{who} since {_time(record.acquired_at)}")
    if not held:
        yield Finding(ABOUT, "leases", "ok", "no run holds one")


def _time(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC"


def _states(project: Project, environ: Mapping[str, str]) -> Iterator[Finding]:
    try:
        states = meltano.export_states(project.root, environ)
    except FlextError as error:
        yield Finding(ABOUT, "states", "error", str(error), error.remedy)
        return
    places = status.places(states, clock.now())
    for place in places:
        if place.lag_s is not None and place.lag_s < 0:
            yield Finding(
                ABOUT, "states", "error",
                f"the bookmark of {place.stream} in {place.state_id} lies in the future"
                f" ({place.bookmark}): changes until then would not be read",
                "set this machine's clock, then `flext backfill` the time between",
            )  # fmt: skip
        elif place.lag_s is not None and place.lag_s > _LATE_S:
            yield Finding(
                ABOUT, "states", "warning",
                f"the bookmark of {place.stream} in {place.state_id} is {place.lag_s / 3600:.0f} h"
                " old",
                "look at `flext status` and at the schedule of its job",
            )  # fmt: skip
    if not places:
        yield Finding(ABOUT, "states", "ok", "none yet: nothing was loaded so far")
    else:
        yield Finding(ABOUT, "states", "ok", f"{len(places)} streams have a place")
        yield from against_oracle(states, environ)


def against_oracle(
    states: Mapping[str, Mapping[str, Any]], environ: Mapping[str, str]
) -> Iterator[Finding]:
    """Whether the database still holds what the bookmarks promise."""
    try:
        with ends.oracle_side(environ, run_id="flext-doctor") as oracle:
            compared, found = ledger.out_of_step(oracle, states)
    except SettingsRefusedError:
        return  # Oracle's own part says why
    for stream, text in found:
        yield Finding(
            ABOUT, "bookmarks", "error", text, f"`flext refresh {stream}` loads the stream anew"
        )
    if not found:
        text = f"Oracle holds what {compared} bookmarks promise"
        yield Finding(ABOUT, "bookmarks", "ok", text)
