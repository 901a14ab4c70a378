"""One look at a job: facts together, what has to be said, the hooks, what is remembered.

A hook that fails is reported as an event and asked again by the next look; nothing here changes
how a run ended.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flext_cli import meltano, status
from flext_cli.alerts import conditions, memory
from flext_cli.alerts.conditions import Changes, Facts, Firing
from flext_cli.errors import MeltanoError
from flext_cli.events import AlertLost, AlertSent
from flext_cli.project import Project
from flext_cli.settings import Hooks, Settings
from flext_observability import emit


@dataclass(frozen=True)
class Ended:
    """The run that has just ended."""

    run: status.Run | None
    run_id: str
    exit_code: int
    trouble: str | None


@dataclass(frozen=True)
class Looked:
    """What a look at a job found, and which hooks did not take it."""

    found: tuple[conditions.Condition, ...]
    lost: Mapping[str, str]


def look(
    project: Project,
    job: str,
    environment: str,
    environ: Mapping[str, str],
    settings: Settings,
    *,
    ended: Ended | None,
    now: datetime,
) -> Looked:
    """Look whether something is wrong with a job and tell the hooks what is new.

    Raises:
        AlertError: what was told before cannot be read, or kept.
        ProjectError: there is no such job.
    """
    workspace = project.workspace(environ)
    before = memory.read(workspace, job)
    data_at = _data_at(ended, before.data_at, now)
    facts = Facts(
        job,
        run=ended.run if ended else None,
        exit_code=ended.exit_code if ended else None,
        trouble=ended.trouble if ended else None,
        places=_places(project, job, environment, environ, settings, now),
        data_at=data_at,
    )
    if ended is not None and facts.run is None:
        facts = replace(facts, run=status.Run(ended.run_id, now, now, "failed", {}))
    found = conditions.find(facts, settings.limits, now)
    news = conditions.changes(
        found,
        before.firing,
        unseen=conditions.unseen(facts),
        repeat_s=settings.limits.repeat_s,
        now=now,
    )
    lost: Mapping[str, str] = {}
    if news.any:
        lost = tell(settings.hooks, job, _message(job, environment, ended, news, now), environ)
    # What nobody took is as if it had not been said: the next look says it again.
    firing: Mapping[str, Firing] = before.firing if lost else news.after
    memory.write(workspace, job, memory.Memory(firing, data_at))
    return Looked(tuple(found), lost)


def tell(
    chosen: Hooks, job: str, message: Mapping[str, Any], environ: Mapping[str, str]
) -> dict[str, str]:
    """Give a message to all hooks; answers those that did not take it, with the reason."""
    from flext_cli.alerts import hooks  # here, since most runs have nothing to tell

    firing = tuple(each["kind"] for each in message["alerts"] if each["status"] == "firing")
    resolved = tuple(each["kind"] for each in message["alerts"] if each["status"] == "resolved")
    lost = {}
    for hook, reason in hooks.send(chosen, message, environ).items():
        if reason:
            lost[hook] = reason
            emit(AlertLost(hook, job, reason))
        else:
            emit(AlertSent(hook, job, firing, resolved))
    return lost


def _data_at(ended: Ended | None, before: datetime | None, now: datetime) -> datetime | None:
    """When a record was last read; a job that is seen for the first time begins now."""
    read = ended is not None and ended.run is not None and any(
        each.extracted for each in ended.run.streams.values()
    )  # fmt: skip
    return now if read or before is None else before


def _places(
    project: Project,
    job: str,
    environment: str,
    environ: Mapping[str, str],
    settings: Settings,
    now: datetime,
) -> tuple[status.Place, ...] | None:
    """The places of the job's incremental streams, where anybody wants to know them."""
    if settings.limits.lag_s is None:
        return ()
    incremental = {pair.state_id(environment) for pair in project.pairs("incremental")}
    wanted = incremental & {pair.state_id(environment) for pair in project.job(job)}
    if not wanted:
        return ()
    try:
        states = meltano.export_states(project.root, environ)
    except MeltanoError as error:
        emit(AlertLost("lag", job, f"{error}; {error.remedy}"))
        return None
    return tuple(each for each in status.places(states, now) if each.state_id in wanted)


def _message(
    job: str, environment: str, ended: Ended | None, news: Changes, now: datetime
) -> dict[str, Any]:
    alerts = [
        {
            "status": "firing", "kind": each.kind, "stream": each.stream or None,
            "text": each.text, "value": each.value, "limit": each.limit,
            "since": news.after[key].since.isoformat(),
        }
        for key, each in news.begun.items()
    ]  # fmt: skip
    for key, told in news.resolved.items():
        kind, _, stream = key.partition(" ")
        alerts.append(
            {
                "status": "resolved", "kind": kind, "stream": stream or None,
                "text": f"over: {told.text}", "value": None, "limit": None,
                "since": told.since.isoformat(),
            }
        )  # fmt: skip
    return message(job, environment, alerts, now, run_id=ended.run_id if ended else None)


def message(
    job: str,
    environment: str,
    alerts: list[dict[str, Any]],
    now: datetime,
    *,
    run_id: str | None = None,
) -> dict[str, Any]:
    """The JSON body that hooks get; `text` is all of it for people."""
    return {
        "source": "flext",
        "text": "FLEXT: " + "\n".join(f"[{each['status']}] {each['text']}" for each in alerts),
        "job": job,
        "environment": environment,
        "host": socket.gethostname(),
        "run_id": run_id,
        "at": now.isoformat(),
        "alerts": alerts,
    }
