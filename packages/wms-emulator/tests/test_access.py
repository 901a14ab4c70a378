"""Who may read what, and errors: docs/specs/wms-api.md §1, §5."""

import re
from typing import Any
from uuid import UUID


def test_wrong_or_missing_credentials(wms: Any) -> None:
    """§1.3: 401 on every call."""
    for header in ("", "Basic", "Basic !!", "Basic dGFwX3VzZXI6d3Jvbmc=", "Bearer abc"):
        answer = wms.call("GET", "entity/allocation", {"Authorization": header})
        assert answer.status == 401, header
        assert answer.headers["WWW-Authenticate"].startswith("Basic")
        assert answer.json["code"] == "AUTHENTICATION_FAILED"


def test_entity_without_permission(wms: Any) -> None:
    """§1.3: 403, also for its description."""
    assert wms.get("entity/user").status == 403
    assert wms.get("entity/user/describe/").status == 403


def test_unknown_addresses(wms: Any) -> None:
    """§5: 404 with an error body."""
    for path in ("entity/nonsense", "nonsense", "entity/item/1/2/3", "entity/item/abc"):
        answer = wms.get(path)
        assert answer.status == 404, path
        assert answer.json["message"]


def test_methods(wms: Any) -> None:
    """§5: 405 METHOD_NOT_ALLOWED."""
    for method in ("POST", "PATCH", "DELETE"):
        answer = wms.call(method, "entity/item")
        assert (answer.status, answer.json["code"]) == (405, "METHOD_NOT_ALLOWED")


def test_error_body(wms: Any) -> None:
    """§5: reference is a UUID, details a map of plain strings."""
    body = wms.get("entity/item?nonsense=1").json
    assert list(body) == ["reference", "code", "message", "details"]
    assert UUID(body["reference"])
    assert all(isinstance(text, str) for text in body["details"].values())


def test_headers(wms: Any) -> None:
    """§1.5: JSON, the date, compressed only when asked."""
    plain = wms.get("entity/item")
    assert plain.headers["Content-Type"] == "application/json"
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", plain.headers["Date"])
    assert "Content-Encoding" not in plain.headers
    import gzip

    packed = wms.call("GET", "entity/item", {"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.raw) == plain.raw


def test_head(wms: Any) -> None:
    """§3.2: as GET, without a body."""
    for path, status in (
        ("entity/item", 200),
        ("entity/movement_request_hdr", 404),
        ("entity/item/1", 404),
    ):
        answer = wms.call("HEAD", path)
        assert (answer.status, answer.raw) == (status, b"")
