"""The rules by name, and the limits."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from decimal import Decimal

import pytest

from flext_observability import redaction


@pytest.mark.parametrize(
    "name",
    ["password", "wallet_password", "WMS_PASSWORD", "FLEXT_TARGET_ORACLE_PASSWORD", "token",
     "access_token", "client-secret", "Authorization", "api_key", "passwd", "Set-Cookie"],
)  # fmt: skip
def test_a_name_that_says_secret_hides_its_value(name: str) -> None:
    shown = redaction.redact_value({name: "plain", "nested": [{name: 12}]})
    assert shown == {name: "***", "nested": [{name: "***"}]}


@pytest.mark.parametrize("name", ["tokens", "page_size", "secretary", "user", "passwordless"])
def test_other_names_hide_nothing(name: str) -> None:
    assert redaction.redact_value({name: "plain"}) == {name: "plain"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET / Authorization: Basic dXNlcjpwYXNz end", "GET / Authorization: Basic *** end"),
        ("Bearer abc.def-ghi", "Bearer ***"),
        ("https://me:pa55@host:443/x", "https://me:***@host:443/x"),
        ("FLEXT_TARGET_ORACLE_PASSWORD=tiger next", "FLEXT_TARGET_ORACLE_PASSWORD=*** next"),
        ("--password=tiger", "--password=***"),
        ('{"user": "u", "password": "ti\\"ger", "n": 1}',
         '{"user": "u", "password": "***", "n": 1}'),
        ("{'wallet_password': 'tiger'}", "{'wallet_password': '***'}"),
    ],
)  # fmt: skip
def test_secrets_that_nobody_registered_are_known_by_their_place(text: str, shown: str) -> None:
    assert redaction.redact(text) == shown


@pytest.mark.parametrize(
    "message",
    [
        "setting password: missing; set FLEXT_TARGET_ORACLE_PASSWORD",
        "ORA-01017: invalid username/password; logon denied",
        "another process keeps .token: wait",
    ],
)
def test_messages_with_a_remedy_stay_readable(message: str) -> None:
    assert redaction.redact(message) == message


def test_a_short_secret_is_masked_only_where_it_stands_alone() -> None:
    redaction.register("ab")
    assert redaction.redact("ab cab (ab)") == "*** cab (***)"


def test_an_empty_secret_masks_nothing() -> None:
    redaction.register("")
    assert redaction.redact("text") == "text"


def test_a_secret_number_is_masked_as_a_number_too() -> None:
    redaction.register("12345678")
    assert redaction.redact_value([12345678, 12.5]) == ["***", 12.5]


def test_values_that_json_lacks_become_their_text() -> None:
    @dataclass
    class Login:
        user: str
        password: str

    shown = redaction.redact_value([Decimal("1.50"), float("nan"), b"\xff", Login("u", "p")])
    assert shown == ["1.50", "nan", "\\xff", {"user": "u", "password": "***"}]


def test_long_and_deep_values_are_cut_with_a_word_that_says_so() -> None:
    deep: object = "end"
    for _ in range(50):
        deep = [deep]
    assert "deeper" in str(redaction.redact_value(deep))
    text = redaction.redact("x" * (redaction.MAX_TEXT_CHARS + 5))
    assert text.endswith("(5 more characters)")
    items = redaction.redact_value(list(range(redaction.MAX_ITEMS + 2)))
    assert isinstance(items, list)
    assert items[-1] == "… (2 more)"


@pytest.mark.parametrize("before", ["", "a", "ab", "abc", "user:"])
def test_base64_right_behind_another_secret_is_masked_too(before: str) -> None:
    redaction.register("first%secret")
    redaction.register("opensesame")
    encoded = base64.b64encode(f"{before}opensesame".encode()).decode()
    shown = redaction.redact(f"first%secret{encoded}")
    assert shown.startswith("***")
    assert shown.endswith("***")
    assert encoded[: len(before) * 8 // 6].startswith(shown[3:-3])  # nothing of the second
    assert redaction.redact(f"x {encoded} y") == "x *** y"


def test_a_secret_across_the_cut_is_masked_before_the_cut() -> None:
    redaction.register("opensesame")
    text = redaction.redact("x" * (redaction.MAX_TEXT_CHARS - 4) + "opensesame")
    assert "open" not in text
