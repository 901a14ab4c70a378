"""The real ends as the workspace's settings describe them, opened by the products' own means.

Which settings there are is the products' matter; here they are read as Meltano would give them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flext_cli import settings as own_settings
from flext_cli.errors import SettingsRefusedError
from flext_cli.verify.interval import Ends
from flext_tap_oracle_wms import discovery
from flext_tap_oracle_wms import settings as tap_settings
from flext_tap_oracle_wms.errors import TapError
from flext_tap_oracle_wms.tap import FlextTapOracleWms
from flext_target_oracle import catalogue
from flext_target_oracle import settings as target_settings
from flext_target_oracle.connection import Database
from flext_target_oracle.errors import TargetError

#: The environment with `.env` below it, for who opens an end; it needs none itself.
environment = own_settings.environment


@dataclass(frozen=True)
class Opened:
    """Both ends, and how many rows a page of the tap's has."""

    ends: Ends
    page_size: int


def target_config(environ: Mapping[str, str]) -> dict[str, Any]:
    """The target's configuration as the environment has it, unvalidated."""
    names = target_settings.singer_schema()["properties"]
    values = {name: environ.get(target_settings.ENV_PREFIX + name.upper()) for name in names}
    return {name: value for name, value in values.items() if value}


@dataclass(frozen=True)
class OracleSide:
    """The database as the target's settings name it, and the schema of our own tables."""

    database: Database
    settings: target_settings.Settings
    control_schema: str


@contextlib.contextmanager
def oracle_side(environ: Mapping[str, str], *, run_id: str) -> Iterator[OracleSide]:
    """The database alone, closed at the end of the block.

    Raises:
        SettingsRefusedError: a setting is wrong, or the database refuses or does not answer.
    """
    try:
        chosen = target_settings.load(target_config(environ))
        with contextlib.closing(Database(chosen, run_id=run_id)) as database:
            with database.session(run_id) as session:
                control = chosen.control_schema or catalogue.current_user(session)
            yield OracleSide(database, chosen, control)
    except TargetError as error:
        raise SettingsRefusedError(
            str(error), remedy="`flext doctor` looks at each end and names the remedy"
        ) from error


def entities(config: Mapping[str, Any]) -> list[str]:
    """The entities that a tap of these settings reads; the WMS is asked only where patterns choose.

    Raises:
        SettingsRefusedError: a setting is wrong, or the WMS does not answer.
    """
    try:
        chosen = tap_settings.parse(config)
        if not chosen.include and not chosen.exclude:
            return list(chosen.entities)
        tap = FlextTapOracleWms(config=dict(config), catalog={"streams": []})
        with contextlib.closing(tap.client) as client:
            return discovery.choose(client.list_entities(), chosen)
    except TapError as error:
        raise SettingsRefusedError(
            str(error), remedy="`flext doctor` looks at each end and names the remedy"
        ) from error


@contextlib.contextmanager
def opened(
    config: Mapping[str, Any], target_config: Mapping[str, Any], *, workers: int
) -> Iterator[Opened]:
    """Both ends, for as many threads, closed at the end of the block.

    Args:
        config: the tap's settings, unvalidated.
        target_config: the target's.
        workers: how many threads.

    Raises:
        SettingsRefusedError: a setting is wrong, or an end refuses or does not answer.
    """
    try:
        chosen = tap_settings.parse(config)
        target = target_settings.load({**target_config, "max_parallelism": workers})
        # An empty catalog: nothing is discovered before we ask.
        tap = FlextTapOracleWms(
            config={**config, "max_concurrency": workers}, catalog={"streams": []}
        )
        with (
            contextlib.closing(Database(target, run_id="flext-verify")) as database,
            contextlib.closing(tap.client) as client,
        ):
            with database.session("verify") as session:
                control = target.control_schema or catalogue.current_user(session)
            place = (target.target_schema, target.table_prefix, control)
            yield Opened(Ends(client, chosen, database, *place), chosen.page_size)
    except (TapError, TargetError) as error:
        raise SettingsRefusedError(
            str(error), remedy="`flext doctor` looks at each end and names the remedy"
        ) from error
