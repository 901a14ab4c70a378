"""Templates: a server that starts from one is a server like another, and no place is trusted."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import oracledb
import pytest

from oracle_emulator.engine import template
from oracle_emulator.testing import StartError, running_server


def maker(content, calls):
    """What makes a data directory, and counts."""

    def make(place):
        calls.append(place)
        (place / "base").mkdir(parents=True)
        (place / "base" / "1").write_text(content)

    return make


def test_servers_from_a_template_are_their_own_and_as_one_without(tmp_path):
    templates = tmp_path / "templates"
    objects = "select object_type, count(*) from all_objects group by object_type order by 1"
    seen, inodes = [], []
    for place in (str(templates), str(templates), ""):  # the last one makes its own
        password = f"of-{len(seen)}"
        with (
            running_server(system_password=password, options=["--templates", place]) as server,
            oracledb.connect(user="system", password=password, dsn=server.dsn) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("create table t as select 5 n from dual")  # would be there already
            cursor.execute(objects)
            seen.append(cursor.fetchall())
        (made,) = (each for each in templates.iterdir() if each.is_dir())
        inodes.append(made.stat().st_ino)
    assert seen[0] == seen[1] == seen[2]
    assert len(set(inodes)) == 1  # the second one has started from what the first one made
    assert {each.name for each in templates.iterdir()} == {made.name, "lock"}


def test_of_many_at_once_one_makes_it(tmp_path):
    calls, found = [], []
    threads = [
        threading.Thread(
            target=lambda: found.append(template.ensure(tmp_path / "t", "n", maker("x", calls)))
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1
    assert {(each / "base" / "1").read_text() for each in found} == {"x"}
    assert not calls[0].parent.exists()


KILLED = """
import os, signal, sys
from pathlib import Path
from oracle_emulator.engine import template
def make(place):
    place.mkdir()
    print(place.parent, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
template.ensure(Path(sys.argv[1]), "n", make)
"""


def test_what_a_killed_maker_left_is_removed_and_never_used(tmp_path):
    directory = tmp_path / "templates"
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(directory)], capture_output=True, text=True, check=False
    )
    workshop = Path(done.stdout.strip())
    assert done.returncode == -9
    assert workshop.is_dir()
    made = template.ensure(directory, "n", maker("whole", []))
    assert (made / "base" / "1").read_text() == "whole"
    assert not workshop.exists()
    assert sorted(each.name for each in directory.iterdir()) == ["lock", "n"]


def test_a_maker_that_fails_leaves_no_template(tmp_path):
    def fails(place):
        maker("half", [])(place)
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        template.ensure(tmp_path / "t", "n", fails)
    assert (template.ensure(tmp_path / "t", "n", maker("x", [])) / "base" / "1").exists()


def test_another_release_makes_another_one(tmp_path):
    assert template.name_of(b"ab", b"c") != template.name_of(b"a", b"bc")
    first = template.ensure(tmp_path, template.name_of(b"1"), maker("1", []))
    second = template.ensure(tmp_path, template.name_of(b"2"), maker("2", []))
    assert [(each / "base" / "1").read_text() for each in (first, second)] == ["1", "2"]


def test_a_copy_shares_no_file(tmp_path):
    made = template.ensure(tmp_path / "t", "n", maker("x", []))
    template.copy(made, tmp_path / "copy", (os.getuid(), os.getgid()))
    (tmp_path / "copy" / "base" / "1").write_text("y")
    assert (made / "base" / "1").read_text() == "x"


@pytest.mark.parametrize("trouble", ["others may write", "a link", "no directory", "another's"])
def test_a_place_that_is_not_ours_alone_is_refused(tmp_path, trouble, monkeypatch):
    place = tmp_path / "templates"
    if trouble == "others may write":
        place.mkdir()
        place.chmod(0o777)
    elif trouble == "a link":
        (tmp_path / "real").mkdir(mode=0o700)
        place.symlink_to(tmp_path / "real")
    elif trouble == "no directory":
        place.write_text("x")
    else:
        place.mkdir(mode=0o700)
        monkeypatch.setattr(os, "geteuid", lambda: place.stat().st_uid + 1)
    with pytest.raises(template.TemplateError, match="templates"):
        template.ensure(place, "n", maker("x", []))
    assert not list((tmp_path / "real").iterdir() if trouble == "a link" else [])


def test_a_server_says_so_in_one_message(tmp_path):
    tmp_path.chmod(0o777)
    with (
        pytest.raises(StartError, match="cannot hold templates") as refused,
        running_server(options=["--templates", str(tmp_path)]),
    ):
        pass
    assert "Traceback" not in str(refused.value)
