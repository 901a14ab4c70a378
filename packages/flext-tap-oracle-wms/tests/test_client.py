"""The client against scripted answers: retries, credentials, refusals, messages."""

from __future__ import annotations

import base64
import gzip
import tracemalloc
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import urllib3
from hypothesis import given
from hypothesis import strategies as st

from flext_observability.testing import capture_events
from flext_tap_oracle_wms import client, errors, events
from flext_tap_oracle_wms.auth import BasicAuth
from flext_tap_oracle_wms.client import WmsClient
from flext_tap_oracle_wms.clock import Clock
from flext_tap_oracle_wms.retry import Policy
from flext_tap_oracle_wms.transport import Response, pool, unpacked

BASE = "https://wms.example.com/env/wms/lgfapi/v10/"
NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
PAGE = b'{"next_page": null, "previous_page": null, "results": [{"id": 1}]}'


@dataclass
class Answer:
    status: int = 200
    data: bytes = PAGE
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Transport:
    """Gives the scripted answers, one after the other, and keeps what was asked."""

    answers: list[Any]
    asked: list[tuple[str, dict[str, str], bool]] = field(default_factory=list)

    def request(self, method: str, url: str, *, headers: dict[str, str], redirect: bool) -> Answer:
        assert method == "GET"
        self.asked.append((url, headers, redirect))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass
class Time:
    """A clock that moves only when someone pauses."""

    pauses: list[float] = field(default_factory=list)

    def clock(self) -> Clock:
        return Clock(
            now=lambda: NOW + timedelta(seconds=sum(self.pauses)),
            monotonic_s=lambda: sum(self.pauses),
            sleep=self.pauses.append,
            uniform=lambda _low, high: high,
        )


def client_of(*answers: Any, max_retries: int = 3) -> tuple[WmsClient, Transport, Time]:
    transport, time = Transport(list(answers)), Time()
    client = WmsClient(
        BASE,
        transport=transport,  # type: ignore[arg-type]  # the one method it needs
        auth=BasicAuth("user", "pässword"),
        policy=Policy(max_retries=max_retries),
        clock=time.clock(),
    )
    return client, transport, time


def test_credentials_go_as_basic_authentication_and_redirects_are_refused():
    client, transport, _ = client_of(Answer())
    client.list_page("allocation", {})
    _, headers, redirect = transport.asked[0]
    assert redirect is False
    scheme, _, value = headers["Authorization"].partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(value).decode() == "user:pässword"


def test_a_redirect_is_an_error_and_not_followed():
    client, transport, _ = client_of(Answer(302, b"", {"Location": "https://evil.test/"}))
    with pytest.raises(errors.ServerError, match="302"):
        client.list_page("allocation", {})
    assert len(transport.asked) == 1


def test_a_plus_in_a_filter_goes_out_encoded():
    client, transport, _ = client_of(Answer())
    client.list_page("allocation", {"mod_ts__gte": "2026-01-01T00:00:00.000000+00:00"})
    assert transport.asked[0][0].endswith(
        "/entity/allocation/?mod_ts__gte=2026-01-01T00%3A00%3A00.000000%2B00%3A00"
    )


@pytest.mark.parametrize(
    "bad",
    [
        Answer(409),
        Answer(429),
        Answer(500, b"{}"),
        Answer(502, b"<html>"),
        Answer(503),
        Answer(504),
        Answer(200, PAGE[:-9]),
        Answer(200, b"<html>maintenance</html>"),
        Answer(200, b'{"results": "\xff", "next_page": null}'),
        Answer(200, b"[]"),
        urllib3.exceptions.ReadTimeoutError(None, None, "slow"),  # type: ignore[arg-type]  # a pool is not needed for it
        urllib3.exceptions.ProtocolError("reset", ConnectionResetError(104, "reset")),
        urllib3.exceptions.IncompleteRead(5, 10),
    ],
)
def test_what_may_pass_is_tried_again(bad):
    client, transport, time = client_of(bad, bad, Answer())
    with capture_events() as seen:
        page = client.list_page("allocation", {})
    assert bytes(page.results) == b'[{"id": 1}]'
    assert time.pauses == [1.0, 2.0]
    assert len({asked[0] for asked in transport.asked}) == 1
    assert sum(isinstance(event, events.RetryScheduled) for event in seen) == 2
    assert sum(isinstance(event, events.RequestFailed) for event in seen) == 2


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        (Answer(400, b'{"code": "VALIDATION_ERROR", "message": "No."}'), errors.ServerError),
        (Answer(401), errors.AuthenticationError),
        (Answer(403), errors.AccessError),
        (Answer(404), errors.NotFoundError),
        (Answer(405), errors.ServerError),
    ],
)
def test_what_cannot_pass_is_not_tried_again(bad, kind):
    client, transport, time = client_of(bad)
    with pytest.raises(kind):
        client.list_page("allocation", {})
    assert len(transport.asked) == 1
    assert time.pauses == []


def test_retries_end_with_what_was_wrong_and_how_often_it_was_tried():
    client, transport, _ = client_of(*[Answer(503)] * 3, max_retries=2)
    with pytest.raises(errors.ServerError, match=r"503.*after 3 tries"):
        client.list_page("allocation", {})
    assert len(transport.asked) == 3


def test_retry_after_is_honoured():
    client, _, time = client_of(
        Answer(429, headers={"Retry-After": "17"}),
        Answer(503, headers={"Retry-After": "Thu, 01 Jan 2026 12:01:17 GMT"}),
        Answer(),
    )
    client.list_page("allocation", {})
    assert time.pauses == [17.0, 60.0]


@pytest.mark.parametrize("next_page", ["http://wms.example.com/x", "https://evil.test/x", "/x"])
def test_a_next_page_elsewhere_is_refused_before_anything_is_sent(next_page):
    body = msgspec.json.encode({"results": [], "next_page": next_page})
    client, transport, _ = client_of(Answer(200, body))
    with pytest.raises(errors.ProtocolError, match="base_url"):
        client.list_page("allocation", {})
    with pytest.raises(errors.ProtocolError, match="base_url"):
        client.follow(next_page)
    assert len(transport.asked) == 1


def test_an_explicit_default_port_is_the_same_origin():
    client, transport, _ = client_of(Answer())
    client.follow("https://wms.example.com:443/env/x?cursor=1")
    assert len(transport.asked) == 1


@given(st.binary(max_size=200))
def test_any_body_is_a_page_or_a_failure(body):
    client, _, _ = client_of(Answer(200, body), max_retries=0)
    try:
        page = client.list_page("allocation", {})
    except (errors.ServerError, errors.ProtocolError):
        return
    assert page.next_page is None or page.next_page.startswith("https://wms.example.com")


def test_no_content_says_the_same_as_404():
    client, _, _ = client_of(Answer(204, b""))
    with pytest.raises(errors.NotFoundError, match="204"):
        client.list_page("allocation", {})


def test_an_empty_body_is_a_cut_one_and_asked_for_again():
    client, transport, _ = client_of(Answer(200, b""), Answer())
    assert bytes(client.list_page("allocation", {}).results) == b'[{"id": 1}]'
    assert len(transport.asked) == 2


def test_the_server_s_clock_is_its_date_header_brought_forward():
    client, _, time = client_of(Answer(headers={"Date": "Thu, 01 Jan 2026 11:59:50 GMT"}))
    client.list_page("allocation", {})
    time.pauses.append(5)
    server, local = client.server_now()
    assert server == NOW - timedelta(seconds=5)
    assert local == NOW + timedelta(seconds=5)


def test_without_a_date_header_there_is_no_window():
    client, _, _ = client_of(Answer(200, b"{}"))
    with pytest.raises(errors.ProtocolError, match="Date header"):
        client.server_now()


def test_an_existing_entity_is_confirmed_once_unless_asked_anew():
    described = Answer(200, b'{"fields": {"id": {"type": "integer"}}}')
    client, transport, _ = client_of(described, Answer(404))
    assert client.confirm("allocation", anew=False)
    assert client.confirm("allocation", anew=False)
    assert len(transport.asked) == 1
    assert not client.confirm("allocation", anew=True)


def test_certificates_are_validated():
    import ssl

    made = pool(
        ca_file=None,
        connect_timeout_s=1,
        read_timeout_s=2,
        connections=3,
        clock=Clock().monotonic_s,
    )
    context = made.connection_pool_kw["ssl_context"]
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert made.connection_pool_kw["timeout"].read_timeout == 2
    assert made.connection_pool_kw["timeout"].connect_timeout == 1
    assert made.connection_pool_kw["retries"].total is False


@given(st.lists(st.binary(max_size=3000), min_size=1, max_size=3), st.integers(0, 9))
def test_a_packed_body_is_unpacked_whole_or_refused(parts, level):
    packed = b"".join(gzip.compress(part, level) for part in parts)
    assert unpacked(b"".join(parts), "identity") == b"".join(parts)
    if len({len(part) for part in parts}) == len(parts):
        assert unpacked(packed, "GZIP") == b"".join(parts)
    one = gzip.compress(parts[0], level)
    assert unpacked(one, "gzip") == parts[0]
    for damaged in (one[:-1], one[:-9] + one[-8:], b"x" + one[1:], one + b"x"):
        with pytest.raises(urllib3.exceptions.DecodeError):
            unpacked(damaged, "gzip")


def test_a_packing_that_was_not_asked_for_is_refused():
    with pytest.raises(urllib3.exceptions.DecodeError, match="packed as br, not as gzip"):
        unpacked(b"x", "br")


def test_a_body_that_says_it_is_huge_takes_no_memory_for_it():
    packed = gzip.compress(b"x" * 100)[:-4] + b"\xff\xff\xff\xff"
    tracemalloc.start()
    try:
        with pytest.raises(urllib3.exceptions.DecodeError):
            unpacked(packed, "gzip")
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_a_damaged_packing_is_tried_again():
    broken = Response(200, {"Content-Encoding": "gzip"}, gzip.compress(PAGE)[:-9])
    client, _, _ = client_of(broken, Answer())
    with capture_events() as seen:
        client.list_page("allocation", {})
    assert [e.error_class for e in seen if isinstance(e, events.RequestFailed)] == ["body"]


@given(st.text(), st.integers(0, 5000), st.binary(max_size=4))
def test_the_encoding_is_checked_as_decoding_would(text, padding, more):
    body = b"x" * padding + text.encode() + "é€🚚".encode() * 1500 + more
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        with pytest.raises(UnicodeDecodeError):
            client.check_utf8(body)
    else:
        client.check_utf8(body)
