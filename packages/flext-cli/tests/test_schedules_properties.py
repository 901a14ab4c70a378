"""Cron expressions become systemd's calendar lines that are due at the same moments."""

import random
import re
import shlex
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flext_cli import project, schedules
from flext_cli.errors import ProjectError
from flext_cli.schedules import Place, Schedule

PLACE = Place(Path("/srv/wms 100%/flext"), Path("/srv/wms 100%/flext/.venv/bin/flext"), "prod")
DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]


@st.composite
def fields(draw, least, most, words=()):
    """A field of a cron expression, and the numbers it means; None is all."""
    if draw(st.booleans()):
        return "*", None
    parts, means = [], set()
    for _ in range(draw(st.integers(1, 3))):
        begin = draw(st.integers(least, most))
        end = draw(st.integers(begin, most))
        step = draw(st.integers(1, 9))
        kind = draw(st.sampled_from(["one", "range", "stepped", "star", "word"]))
        if kind == "range":
            parts.append(f"{begin}-{end}")
            means.update(range(begin, end + 1))
        elif kind == "stepped":
            parts.append(f"{begin}-{end}/{step}")
            means.update(range(begin, end + 1, step))
        elif kind == "star":
            parts.append(f"*/{step}")
            means.update(range(least, most + 1, step))
        elif kind == "word" and words:
            parts.append(words[begin - least])
            means.add(begin)
        else:
            parts.append(str(begin))
            means.add(begin)
    return ",".join(parts), means


MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
crons = st.tuples(
    fields(0, 59), fields(0, 23), fields(1, 31), fields(1, 12, MONTHS),
    fields(0, 6, [each.lower() for each in DAYS]),
)  # fmt: skip


def due_by_cron(cron, at):
    """As crontab(5) says: either day is enough where neither field begins with a star."""
    means, stars = [each for _, each in cron], [text.startswith("*") for text, _ in cron]
    minutes, hours, days, months, weekdays = means
    day = days is None or at.day in days
    weekday = weekdays is None or at.isoweekday() % 7 in weekdays
    either = day and weekday if stars[2] or stars[4] else day or weekday
    return (
        either
        and (minutes is None or at.minute in minutes)
        and (hours is None or at.hour in hours)
        and (months is None or at.month in months)
    )


def due_by_calendar(line, at):
    """As systemd.time(7) says, for what we write of it: everything must match."""
    match = re.fullmatch(r"(?:([\w,]+) )?\*-([\d,*]+)-([\d,*]+) ([\d,*]+):([\d,*]+):00", line)
    assert match, line
    weekdays, *rest = match.groups()
    values = (at.month, at.day, at.hour, at.minute)
    numbers = all(
        text == "*" or value in map(int, text.split(","))
        for text, value in zip(rest, values, strict=True)
    )
    return numbers and (not weekdays or DAYS[at.isoweekday() % 7] in weekdays.split(","))


@given(crons, st.integers(0, 2**32))
def test_both_are_due_at_the_same_moments(cron, seed):
    text = " ".join(each for each, _ in cron)
    means = [each for _, each in cron]
    lines = schedules.calendar(text)
    chance = random.Random(seed)
    for _ in range(40):
        # Half of the moments are ones that the minute and hour meet, or few would be due.
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(
            minutes=chance.randrange(2 * 365 * 24 * 60)
        )
        if chance.random() < 0.5:
            at = at.replace(
                minute=chance.choice(sorted(means[0] or [at.minute])),
                hour=chance.choice(sorted(means[1] or [at.hour])),
            )
        due = any(due_by_calendar(line, at) for line in lines)
        assert due == due_by_cron(cron, at), (text, lines, at)


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd itself judges where it is installed"
)
def test_systemd_takes_what_is_written(tmp_path):
    crons = ["* * * * *", "0 3 * * 0", "*/7 1-5/2 1,15 jan-mar mon-fri", "59 23 31 12 7"]
    lines = [line for cron in crons for line in schedules.calendar(cron)]
    done = subprocess.run(
        ["systemd-analyze", "calendar", *lines], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Normalized form") == len(lines)


@pytest.mark.parametrize(
    "cron",
    [
        "", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *",
        "* * * * 8", "5-1 * * * *", "*/0 * * * *", "a * * * *", "1, * * * *", "-1 * * * *",
        "* * * * mon-", "* * * monday *", "@often", "٣ * * * *",
    ],
)  # fmt: skip
def test_what_is_no_interval_is_refused_by_name(tmp_path, cron):
    with pytest.raises(ValueError, match=r"is no|fields"):
        schedules.times(cron)
    content = {"jobs": [{"name": "j"}], "schedules": [{"name": "s", "job": "j", "interval": cron}]}
    if cron:
        with pytest.raises(ProjectError, match="schedule 's'"):
            schedules.of(project.Project(tmp_path, content))


@pytest.mark.parametrize(
    "entry",
    [
        {"name": "s", "job": "gone", "interval": "@daily"},
        {"name": "../s", "job": "j", "interval": "@daily"},
        {"name": "s", "extractor": "tap", "loader": "target", "interval": "@daily"},
    ],
)
def test_a_schedule_that_runs_nothing_of_ours_is_named(tmp_path, entry):
    content = {"jobs": [{"name": "j"}], "schedules": [entry]}
    with pytest.raises(ProjectError, match="the schedule"):
        schedules.of(project.Project(tmp_path, content))


def test_a_crontab_line_is_one_that_a_shell_understands():
    given_schedules = [
        Schedule("minutely", "load", "* * * * *", {"FLEXT_SCOPE": "a b"}),
        Schedule("by-hand", "load", None),
    ]
    text = schedules.crontab(given_schedules, PLACE)
    head, line, left_out = text.splitlines()
    assert head.startswith("# ")
    assert left_out == "# by-hand (load) has no interval"
    times, _, command = line.partition("  ")
    assert times == "* * * * *"
    assert not re.search(r"(?<!\\)%", command)
    words = shlex.split(command.replace("\\%", "%"))
    root = str(PLACE.root)
    assert words[:2] == ["cd", root]
    assert words[words.index("FLEXT_SCOPE=a b") + 1 :][:5] == [
        str(PLACE.command), "run", "load", "--environment", "prod",
    ]  # fmt: skip
    assert words[-3:] == [">>", ".flext/minutely.log", "2>&1"]


def test_units_say_where_what_and_when():
    schedule = Schedule("weekly", "full-sync-job", "0 3 * * 0", {"A": 'x "y" $z'})
    units = dict(schedules.units([schedule], PLACE))
    service, timer = units["flext-weekly.service"], units["flext-weekly.timer"]
    assert "WorkingDirectory=/srv/wms 100%%/flext\n" in service
    assert (
        'ExecStart="/srv/wms 100%%/flext/.venv/bin/flext" run full-sync-job --environment prod\n'
    ) in service
    assert 'Environment="A=x \\"y\\" $z"' in service
    assert "OnCalendar=Sun *-*-* 03:00:00\n" in timer
    assert set(dict(schedules.units([Schedule("m", "j", None)], PLACE))) == {"flext-m.service"}


def test_the_projects_own_schedules_are_those_that_are_meant():
    root = Path(__file__).resolve().parents[3]
    found = {each.name: each for each in schedules.of(project.find(root, {}))}
    assert (found["full-sync-weekly"].job, found["full-sync-weekly"].cron) == (
        "full-sync-job", "0 3 * * 0",
    )  # fmt: skip
    minutely = {each.job for each in found.values() if each.cron == "* * * * *"}
    assert minutely == {"allocation-sync-job", "order-hdr-sync-job", "order-dtl-sync-job"}
