import threading

from oracle_emulator.session.statistics import MAX_STATEMENTS, Counters, Statistics


def test_counts_add_up_per_statement_and_in_total():
    statistics = Statistics()
    for sql, rows in (("a", 1), ("b", 10), ("a", 100)):
        statistics.record(sql, Counters(round_trips=1, rows_received=rows))
    seen = statistics.snapshot()
    rows = {counters["sql"]: counters["rows_received"] for counters in seen["statements"]}
    assert rows == {"a": 101, "b": 10}
    assert (seen["total"]["round_trips"], seen["total"]["rows_received"]) == (3, 111)
    statistics.reset()
    assert statistics.snapshot()["statements"] == []
    assert statistics.snapshot()["total"]["round_trips"] == 0


def test_texts_are_limited_and_the_least_recently_used_go_first():
    statistics = Statistics()
    for number in range(MAX_STATEMENTS):
        statistics.record(str(number), Counters(round_trips=1))
    statistics.record("0", Counters(round_trips=1))
    statistics.record("one more", Counters(round_trips=1))
    seen = statistics.snapshot()
    texts = {counters["sql"] for counters in seen["statements"]}
    assert len(texts) == MAX_STATEMENTS
    assert {"0", "one more"} <= texts
    assert "1" not in texts
    assert seen["total"]["round_trips"] == MAX_STATEMENTS + 2


def test_connections_may_count_at_once():
    statistics = Statistics()

    def count():
        for _ in range(500):
            statistics.record("x", Counters(round_trips=1))

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statistics.snapshot()["total"]["round_trips"] == 4000
