"""What a repair refuses before it touches anything, and the file in which it names the rows."""

import json
from types import SimpleNamespace

import pytest

from flext_cli import repair
from flext_cli.errors import AgainRefusedError
from flext_target_oracle import settings

END = {"host": "h", "service_name": "s", "user": "u", "password": "p"}


def refuse(**changes):
    opened = SimpleNamespace(ends=SimpleNamespace(schema="OIC", prefix="WMS_"))
    repair._refuse("item", opened, settings.load({**END, **changes}))


def test_the_table_that_was_compared_is_repaired_and_no_other():
    refuse()
    for changes in ({"schema": "other"}, {"table_prefix": "X_"}):
        with pytest.raises(AgainRefusedError, match=r"compared in OIC.WMS_…, and the pipeline"):
            refuse(**changes)


def test_where_versions_are_kept_no_row_is_wrong():
    with pytest.raises(AgainRefusedError, match="append-only"):
        refuse(load_method="append-only")


@pytest.mark.parametrize(
    ("found", "works"),
    [({}, False), ({"missing": []}, False), ({"gone": [1]}, True), ({"changed": [1]}, True)],
)
def test_without_anything_to_do_nothing_is_held(found, works):
    assert repair.has_work(found) is works


def test_the_ids_are_for_the_user_alone_and_gone_afterwards(tmp_path):
    with repair._ids_file(tmp_path, "item", [7, 9]) as path:
        assert json.loads(path.read_text(encoding="utf-8")) == {"item": [7, 9]}
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.is_absolute()
    assert not path.exists()


def test_what_a_killed_repair_left_goes_and_what_another_one_reads_stays(tmp_path):
    left = tmp_path / ".flext" / "verify" / "item-0123abcd.ids.json"
    report = left.with_name("20260101T000000000000.jsonl")
    with repair._ids_file(tmp_path, "lpn", [1]) as at_work:
        for path in (left, report):
            path.write_text("{}", encoding="utf-8")
        with repair._ids_file(tmp_path, "item", [2]):
            assert not left.exists()
            assert at_work.exists()
            assert report.exists()
