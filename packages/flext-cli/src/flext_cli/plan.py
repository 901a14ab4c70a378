"""What a job would do before it is run: the DDL in Oracle, and how long a first load would take.

Tap and target say it themselves, by the code that a run goes through; here they are asked. Nothing
is changed on either side.
"""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from flext_cli import effective, ledger, meltano
from flext_cli.ends import OracleSide
from flext_cli.errors import SettingsRefusedError
from flext_cli.handover import Pair
from flext_cli.project import Project
from flext_tap_oracle_wms.errors import TapError
from flext_tap_oracle_wms.streams import WmsStream
from flext_tap_oracle_wms.tap import FlextTapOracleWms
from flext_target_oracle import catalogue, overview, planning
from flext_target_oracle import settings as target_settings
from flext_target_oracle.connection import Database
from flext_target_oracle.errors import TargetError


@dataclass(frozen=True)
class Planned:
    """What a run would do about one stream; our own tables have no stream.

    Attributes:
        table: as SCHEMA.TABLE; the schema alone for our own tables.
        ddl: in its order.
        rows: as the WMS counts them; None where it was not asked, or refused.
        first_load_s: seconds of a full load of this stream alone.
        trouble: why a run would fail for this stream.
    """

    stream: str
    table: str = ""
    ddl: tuple[str, ...] = ()
    rows: int | None = None
    first_load_s: float | None = None
    trouble: str | None = None


def of_job(
    project: Project, job: str, environment: str, environ: Mapping[str, str], *, estimate: bool
) -> Iterator[Planned]:
    """Yield what the pairs of a job would do, our own tables first.

    Args:
        project: whose job it is.
        job: its name.
        environment: of Meltano.
        environ: with what `.env` says.
        estimate: whether the WMS is asked for counts and a page of each stream.

    Raises:
        ProjectError: there is no such job.
        SettingsRefusedError: a setting is wrong, or an end does not answer.
    """
    states = functools.cache(lambda: meltano.export_states(project.root, environ))
    for number, pair in enumerate(project.job(job)):
        place = _Place(project, pair, environment, environ, states)
        try:
            yield from _of_pair(place, estimate, first=number == 0)
        except (TapError, TargetError) as error:
            raise SettingsRefusedError(
                str(error), remedy="`flext doctor` looks at each end and names the remedy"
            ) from error


@dataclass(frozen=True)
class _Place:
    """A pair, and Meltano's states for who needs them: asking for them takes seconds."""

    project: Project
    pair: Pair
    environment: str
    environ: Mapping[str, str]
    states: Callable[[], Mapping[str, Mapping[str, Any]]]


def _of_pair(place: _Place, estimate: bool, *, first: bool) -> Iterator[Planned]:
    where = (place.project, place.pair, place.environment, place.environ)
    config = effective.of_tap(*where)
    chosen = target_settings.load(effective.of_target(*where))
    tap = FlextTapOracleWms(config=config)
    with (
        contextlib.closing(Database(chosen, run_id="flext-plan")) as database,
        contextlib.closing(tap.client),
    ):
        streams = [each for each in tap.streams.values() if isinstance(each, WmsStream)]
        described = [stream for stream in streams if stream.failure is None]
        lines = [
            json.dumps(message).encode()
            for stream in described
            for message in stream.schema_messages()
        ]
        estimates = {each.name: _estimated(each) for each in described} if estimate else {}
        scope = place.pair.state_id(place.environment)
        stopped = _stopped(place, database, chosen, scope)
        for needed in planning.needed(database, chosen, lines, scope=scope):
            if not needed.stream and not first:
                continue  # said with the first pair
            planned = estimates.get(needed.stream, Planned(needed.stream))
            trouble = needed.refused or planned.trouble or stopped.get(needed.stream)
            yield replace(planned, table=needed.table, ddl=needed.ddl, trouble=trouble)
    for stream in streams:
        if stream.failure is not None:
            yield Planned(stream.name, trouble=str(stream.failure))


def _stopped(
    place: _Place, database: Database, chosen: target_settings.Settings, scope: str
) -> dict[str, str]:
    """Why the next run would stop a stream whose bookmark the database does not bear out."""
    with database.session("plan") as session:
        control = chosen.control_schema or catalogue.current_user(session)
        if not any(each.scope == scope for each in overview.fences(session, control)):
            return {}  # nothing was loaded yet
    side = OracleSide(database, chosen, control)
    states = {name: entry for name, entry in place.states().items() if name == scope}
    return dict(ledger.out_of_step(side, states)[1])


def _estimated(stream: WmsStream) -> Planned:
    try:
        found = stream.estimate()
    except TapError as error:
        return Planned(stream.name, trouble=str(error))
    return Planned(stream.name, rows=found.rows, first_load_s=found.seconds)
