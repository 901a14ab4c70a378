"""What `flext run`, `doctor` and `plan` draw on 80 columns: no name or number is cut."""

import io
import json
from datetime import UTC, datetime

from rich.console import Console

from flext_cli.commands import doctor, plan, rejects, run
from flext_cli.doctor.findings import Finding
from flext_cli.plan import Planned
from flext_cli.progress import Progress
from flext_target_oracle.overview import Refused


def drawn(table):
    console = Console(width=80, file=io.StringIO())
    console.print(table)
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert not any("…" in line for line in lines)
    return lines


def test_a_run_of_a_large_site_while_it_goes():
    progress, name = Progress(), "purchase_order_hdr"

    def take(now_s, **fields):
        progress.take(json.dumps({"stream": name, **fields}), now_s)

    committed = {"event": "BatchCommitted", "rows_received": 1200000, "rows_inserted": 1100000}
    take(0.0, event="ProgressMade", records=0, in_flight=8, expected=9876543)
    take(1.0, **committed, rows_rejected=12)
    take(60.0, **{**committed, "rows_received": 1})
    take(60.0, event="ProgressMade", records=3000000, in_flight=8, expected=9876543)
    take(60.0, event="RetryScheduled")
    lines = drawn(run.table("full-sync-job", progress, 60.0))
    (line,) = [each for each in lines if name in each]
    for text in ("3000000", " 8 ", "1200001", "2200000", "30 %, 2 min 17 s left"):
        assert text in line
    assert any("12 rejected" in each for each in lines)
    assert any("1 retries" in each for each in lines)


def test_a_finding_has_its_remedy_below_it():
    wrong = Finding("WMS", "entity allocation", "error", "answers [403]", "have the user allowed")
    lines = drawn(doctor.table([wrong, Finding("Oracle", "quota", "ok", "unlimited")]))
    number = next(n for n, line in enumerate(lines) if "WMS: entity allocation" in line)
    assert "answers [403]" in lines[number]
    assert "→ have the user allowed" in lines[number + 1]


def test_a_refused_row_and_why():
    why = "value too large for column [256] (actual: 300, maximum: 256)"
    moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
    row = Refused("1", "r", "purchase_order_hdr", "T", "CUST_FIELD_1", "ORA-12899", why, moment,
                  None, "{}")  # fmt: skip
    text = "\n".join(drawn(rejects.table([row])))
    words = " ".join(text.split())
    for part in ("2026-03-01 12:00:00", "purchase_order_hdr,", "CUST_FIELD_1", "ORA-12899: value",
                 "[256]"):  # fmt: skip
        assert part in words


def test_a_plan_names_whole_tables_and_why_one_would_fail():
    planned = Planned("purchase_order_hdr", "OIC.WMS_PURCHASE_ORDER_HDR", ("A",), 12345678, 7200.0)
    text = "\n".join(drawn(plan.table("full-sync-job", [planned, Planned("x", trouble="[no]")])))
    for part in (
        " purchase_order_hdr",
        "  OIC.WMS_PURCHASE_ORDER_HDR",
        "12,345,678",
        "2 h 0 min",
        "fail: [no]",
    ):
        assert part in text


def test_the_words_of_a_warning_are_no_markup():
    progress = Progress()
    said = "no file [/srv/wms/ca.pem] [red]here[/blue]"
    progress.take(json.dumps({"level": "warning", "event": said}), 0.0)
    assert any(said in line for line in drawn(run.table("full-sync-job", progress, 0.0)))
