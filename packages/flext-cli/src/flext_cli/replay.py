"""`flext rejects replay`: refused rows go through the target once more, as they came.

Each keeps the time at which the tap read it, so that it never overwrites what came later. Rows that
are refused again stand in FLEXT_REJECTS anew, with their reason of today.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from flext_cli import effective, ends, ledger, meltano
from flext_cli.errors import JobFailedError, SettingsRefusedError
from flext_cli.handover import Pair
from flext_cli.project import Project
from flext_observability import redaction
from flext_tap_oracle_wms.errors import TapError
from flext_tap_oracle_wms.streams import WmsStream
from flext_tap_oracle_wms.tap import FlextTapOracleWms
from flext_target_oracle import settings as target_settings
from flext_target_oracle.errors import TargetError
from flext_target_oracle.overview import Refused

_COMMAND = "flext-target-oracle"
_SHOWN_LINES = 5
#: What says which table rows go into and where the refused ones stand, by attribute.
_PLACE = {
    "host": "host", "port": "port", "service_name": "service_name", "user": "user",
    "target_schema": "schema", "control_schema": "control_schema", "table_prefix": "table_prefix",
}  # fmt: skip


@dataclass(frozen=True)
class Replayed:
    """What became of the rows.

    Attributes:
        run_id: of the target's run.
        loaded: rows that are in now, or that a newer version of had come already.
        refused: rows that were refused again.
    """

    run_id: str
    loaded: int
    refused: int


def run(
    project: Project,
    pair: Pair,
    environment: str,
    environ: Mapping[str, str],
    refused: Sequence[Refused],
) -> Replayed:
    """Send refused rows of one stream through the target and, once they are in, forget them.

    Args:
        project: where.
        pair: whose settings tap and target have.
        environment: of Meltano.
        environ: with what `.env` says.
        refused: rows of one stream whose records are JSON.

    Raises:
        SettingsRefusedError: the stream cannot be described, Oracle does not answer, or the pair
            loads elsewhere than the environment says.
        JobFailedError: the target failed; every row is still listed.
    """
    stream, run_id = refused[0].stream, str(uuid.uuid4())
    settings = effective.of_target(project, pair, environment, environ)
    _refuse_elsewhere(pair, settings, ends.target_config(environ))
    messages = _messages(_schema(project, pair, environment, environ, stream), refused)
    if settings.get("load_method") == "overwrite":
        settings["load_method"] = "upsert"  # these rows are a part, not a load
    own = {
        **_variables({**settings, "max_rejects": len(refused)}),
        "FLEXT_SCOPE": f"{pair.state_id(environment)}:replay",
        "FLEXT_WORKSPACE": str(project.workspace(environ)),
        "MELTANO_RUN_ID": run_id,
    }
    _load({**environ, **own}, messages)
    with ends.oracle_side(environ, run_id=run_id) as oracle:
        again = ledger.rejects(oracle, stream=stream, run_id=run_id, limit=len(refused) + 1)
        ledger.forget(oracle, [each.reject_id for each in refused])
    return Replayed(run_id, len(refused) - len(again), len(again))


def _refuse_elsewhere(
    pair: Pair, settings: Mapping[str, Any], listed_by: Mapping[str, Any]
) -> None:
    """Refused rows are looked for and forgotten where the environment says: nowhere else.

    Raises:
        SettingsRefusedError: the pair loads into another place, or a setting is wrong.
    """
    try:
        here, there = target_settings.load(listed_by), target_settings.load(settings)
    except TargetError as error:
        raise SettingsRefusedError(
            str(error), remedy="`flext doctor` looks at each end and names the remedy"
        ) from error
    for attribute, name in _PLACE.items():
        if getattr(here, attribute) != getattr(there, attribute):
            raise SettingsRefusedError(
                f"{pair.loader} loads elsewhere than its refused rows were listed:"
                f" meltano.yml and `.env` differ in {name}",
                remedy=f"say {name} in `.env` alone",
            )


def is_json(record: str) -> bool:
    """Whether a record can be sent at all: what was no JSON when it came never will be."""
    try:
        return isinstance(json.loads(record), dict)
    except ValueError:
        return False


def _schema(
    project: Project, pair: Pair, environment: str, environ: Mapping[str, str], stream: str
) -> list[dict[str, Any]]:
    try:
        config = effective.of_tap(project, pair, environment, environ)
        tap = FlextTapOracleWms(config={**config, "entities": [stream], "include": []})
        with contextlib.closing(tap.client):
            return [
                message
                for each in tap.streams.values()
                if isinstance(each, WmsStream)
                for message in each.schema_messages()
            ]
    except TapError as error:
        raise SettingsRefusedError(
            f"the schema of {stream} is needed to send its rows again: {error}",
            remedy="`flext doctor` looks at the WMS and names the remedy",
        ) from error


def _messages(schemas: Iterable[Mapping[str, Any]], refused: Sequence[Refused]) -> Iterator[str]:
    """The Singer messages, in the order in which the rows were read."""
    for schema in schemas:
        yield json.dumps(schema)
    for each in sorted(refused, key=lambda row: row.extracted_at or row.rejected_at):
        # Rows of an older FLEXT lack the time of their reading; they were refused soon after.
        moment = (each.extracted_at or each.rejected_at).replace(tzinfo=UTC)
        head = {
            "type": "RECORD",
            "stream": each.stream,
            "time_extracted": moment.isoformat(timespec="microseconds"),
        }
        # The record's text as it came: its digits are exact.
        yield f'{json.dumps(head)[:-1]}, "record": {each.record}}}'


def _variables(settings: Mapping[str, Any]) -> dict[str, str]:
    return {
        target_settings.ENV_PREFIX + name.upper(): value
        if isinstance(value, str)
        else json.dumps(value)
        for name, value in settings.items()
    }


def _load(environ: Mapping[str, str], messages: Iterable[str]) -> None:
    command = [str(meltano.executable(_COMMAND)), "--config", "ENV"]
    # The log goes into a file: nobody reads a pipe while the input is written.
    with tempfile.TemporaryFile("w+", encoding="utf-8") as log:
        with subprocess.Popen(  # noqa: S603 -- our own environment's target, arguments are constants
            command,
            env=dict(environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=log,
            text=True,
            encoding="utf-8",
        ) as process:
            if process.stdin is None:
                raise RuntimeError("the target was started without a pipe")
            with contextlib.suppress(BrokenPipeError):  # it ended early: its exit code says so
                for line in messages:
                    process.stdin.write(line + "\n")
                process.stdin.close()
        if process.returncode:
            log.seek(0)
            said = [line.rstrip() for line in log][-_SHOWN_LINES:]
            raise JobFailedError(
                f"the target ended with exit code {process.returncode}; every row is still listed",
                remedy="see its last words above",
                details=redaction.redact("\n".join(said)),
            )
