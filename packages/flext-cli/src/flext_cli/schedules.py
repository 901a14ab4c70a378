"""Meltano's schedules as lines of a crontab or units of systemd. Pure: values in, text out.

A schedule's interval is a cron expression or one of Meltano's words, read exactly or refused. cron
takes a day that either the day of the month or the day of the week names, where neither begins
with a star; systemd wants both, so that such an interval becomes two calendar lines.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flext_cli.errors import ProjectError
from flext_cli.project import FILE_NAME, Project

#: Meltano's words; None is never by itself.
WORDS: dict[str, str | None] = {
    "@once": None, "@manual": None, "@none": None, "@hourly": "0 * * * *",
    "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
}  # fmt: skip
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_PART = re.compile(r"(?:(\*)|(\w+)(?:-(\w+))?)(?:/(\d+))?", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*", re.ASCII)


@dataclass(frozen=True)
class Schedule:
    """A job and when it runs; `cron` has five fields, None where only people begin it."""

    name: str
    job: str
    cron: str | None
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """Where the runs take place: the workspace, the command, the environment of Meltano."""

    root: Path
    command: Path
    environment: str


@dataclass(frozen=True)
class Times:
    """The minutes, hours and so on at which something is due; None is every one.

    Attributes:
        either_day: whether a day of the month or of the week is enough, instead of both.
    """

    minutes: frozenset[int] | None
    hours: frozenset[int] | None
    days: frozenset[int] | None
    months: frozenset[int] | None
    weekdays: frozenset[int] | None
    either_day: bool


def of(project: Project) -> list[Schedule]:
    """Return the project's schedules of jobs, in the file's order.

    Raises:
        ProjectError: an interval, a name or a job is wrong.
    """
    jobs = {str(each["name"]) for each in project.content.get("jobs") or ()}
    found = []
    for each in project.content.get("schedules") or ():
        name, job = str(each.get("name", "")), each.get("job")
        where = f"the schedule {name!r} in {project.root / FILE_NAME}"
        if not _NAME.fullmatch(name):
            raise ProjectError(
                f"{where} has a name that is no file's", remedy="use letters, digits, _ . and -"
            )
        if job not in jobs:
            raise ProjectError(f"{where} runs no job of the file", remedy="give it one as `job`")
        interval = str(each.get("interval") or "@manual").strip()
        cron = WORDS.get(interval, interval)
        if cron is not None:
            try:
                times(cron)
            except ValueError as error:
                raise ProjectError(
                    f"{where} has the interval {interval!r}: {error}",
                    remedy="write five fields as cron does, or a word such as @hourly",
                ) from error
        env = {str(key): str(value) for key, value in (each.get("env") or {}).items()}
        found.append(Schedule(name, str(job), cron, env))
    return found


def times(cron: str) -> Times:
    """Return when a cron expression is due.

    Raises:
        ValueError: it is none; the message says which field.
    """
    fields = cron.split()
    if len(fields) != 5:
        raise ValueError(f"it has {len(fields)} fields, not five")
    minutes, hours, days, months, weekdays = fields
    return Times(
        _values("minute", minutes, 0, 59),
        _values("hour", hours, 0, 23),
        _values("day of the month", days, 1, 31),
        _values("month", months, 1, 12, _MONTHS),
        _weekdays(weekdays),
        either_day=not (days.startswith("*") or weekdays.startswith("*")),
    )


def _weekdays(text: str) -> frozenset[int] | None:
    found = _values("day of the week", text, 0, 7, _DAYS)
    # Sunday is 0 and 7.
    return None if found is None else frozenset(each % 7 for each in found)


def _values(
    name: str, text: str, least: int, most: int, words: tuple[str, ...] = ()
) -> frozenset[int] | None:
    """The numbers that a field names; None for a bare *."""
    if text == "*":
        return None
    found: set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise ValueError(f"{part!r} is no {name}")
        star, first, last, step = match.groups()
        if star:
            begin, end = least, 6 if most == 7 else most
        else:
            begin = _number(name, first, least, words)
            # cron: a step behind one number goes on to the end.
            end = _number(name, last, least, words) if last else (most if step else begin)
        if not least <= begin <= end <= most or step == "0":
            raise ValueError(f"{part!r} is no {name}")
        found.update(range(begin, end + 1, int(step or 1)))
    return frozenset(found)


def _number(name: str, text: str, least: int, words: tuple[str, ...]) -> int:
    if text.lower() in words:
        return words.index(text.lower()) + (least if least == 1 else 0)
    if not text.isdecimal():
        raise ValueError(f"{text!r} is no {name}")
    return int(text)


def calendar(cron: str) -> list[str]:
    """Return systemd's calendar lines for a cron expression; one due by either is due."""
    due = times(cron)
    clock = f"{_list(due.hours)}:{_list(due.minutes)}:00"
    weekdays = ""
    if due.weekdays is not None:
        weekdays = ",".join(_DAYS[each].capitalize() for each in sorted(due.weekdays)) + " "
    every_day = f"*-{_list(due.months)}-*"
    some_days = f"*-{_list(due.months)}-{_list(due.days)}"
    if not due.either_day:
        return [f"{weekdays}{some_days} {clock}"]
    return [f"{some_days} {clock}", f"{weekdays}{every_day} {clock}"]


def _list(values: frozenset[int] | None) -> str:
    return "*" if values is None else ",".join(f"{each:02d}" for each in sorted(values))


def crontab(schedules: list[Schedule], place: Place) -> str:
    """Return a crontab's lines; a turn is skipped while another run holds the pipeline."""
    lines = [f"# FLEXT in {place.root}, made by `flext schedule cron`; times are the machine's"]
    for each in schedules:
        if each.cron is None:
            lines.append(f"# {each.name} ({each.job}) has no interval")
            continue
        setting = "".join(f"{key}={shlex.quote(value)} " for key, value in each.env.items())
        run = shlex.join(
            [str(place.command), *_words(each, place), "--every", "60s", "--times", "1"]
        )
        log = shlex.quote(f".flext/{each.name}.log")
        command = (
            f"cd {shlex.quote(str(place.root))} && mkdir -p -m 700 .flext &&"
            f" {setting}{run} >> {log} 2>&1"
        )
        # A percent sign is a line's end to cron.
        escaped = command.replace("%", "\\%")
        lines.append(f"{each.cron}  {escaped}")
    return "\n".join(lines) + "\n"


def units(schedules: list[Schedule], place: Place) -> Iterator[tuple[str, str]]:
    """Yield the name and text of each unit of systemd: a service and a timer per schedule."""
    for each in schedules:
        unit = f"flext-{each.name}"
        yield f"{unit}.service", _service(each, place)
        if each.cron is not None:
            yield f"{unit}.timer", _timer(each)


def _service(schedule: Schedule, place: Place) -> str:
    # Only a command line has variables that a dollar sign begins.
    command = " ".join(
        _quoted(word).replace("$", "$$") for word in (str(place.command), *_words(schedule, place))
    )
    settings = "".join(f"Environment={_quoted(f'{k}={v}')}\n" for k, v in schedule.env.items())
    return (
        f"[Unit]\nDescription=FLEXT: {schedule.job} ({schedule.name})\n"
        "Wants=network-online.target\nAfter=network-online.target\n\n"
        "[Service]\nType=oneshot\n"
        f"WorkingDirectory={_percent(str(place.root))}\n{settings}"
        # The job gets its signal from `flext run`, which waits for its end in order.
        f"ExecStart={command}\nKillMode=mixed\nTimeoutStopSec=30\n"
    )


def _timer(schedule: Schedule) -> str:
    lines = "".join(f"OnCalendar={line}\n" for line in calendar(schedule.cron or ""))
    return (
        f"[Unit]\nDescription=FLEXT: when {schedule.job} runs ({schedule.name})\n\n"
        # Begun once at boot where a turn was missed; a service still at work is not begun again.
        f"[Timer]\n{lines}AccuracySec=1s\nPersistent=true\n\n"
        "[Install]\nWantedBy=timers.target\n"
    )


def _words(schedule: Schedule, place: Place) -> list[str]:
    return ["run", schedule.job, "--environment", place.environment]


def _quoted(word: str) -> str:
    """A word of a line of systemd."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{_percent(escaped)}"' if re.search(r"[^\w@%+=:,./-]", word) else _percent(escaped)


def _percent(text: str) -> str:
    return text.replace("%", "%%")
