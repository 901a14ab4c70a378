"""A registered secret is unreadable in whatever form and place it travels."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from hypothesis import example, given
from hypothesis import strategies as st

from flext_observability import redaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# A secret made of the mask's own character cannot be told from the mask.
SECRETS = st.text(
    st.characters(exclude_characters="*", exclude_categories=["Cs"]), min_size=4, max_size=40
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def redacted(secret: str, text: str) -> str:
    redaction.clear()
    redaction.register(secret)
    return redaction.redact(text)


@given(SECRETS, TEXTS, TEXTS)
@example("abab", "ab", "")
@example('quo"te\\', "", "")
def test_a_secret_never_survives_in_a_text(secret: str, before: str, after: str) -> None:
    assert secret not in redacted(secret, before + secret + after)


@given(SECRETS, st.sampled_from([quote_plus, quote, lambda s: quote(s, safe="")]))
@example("two words/x", quote_plus)
@example("two words/x", quote)
def test_a_url_encoded_secret_never_survives(secret: str, encode: Callable[[str], str]) -> None:
    text = f"https://host/entity?key={encode(secret)}&page=2"
    assert encode(secret) not in redacted(secret, text)


@given(SECRETS, st.booleans())
def test_a_secret_inside_dumped_json_or_repr_never_survives(secret: str, ascii_only: bool) -> None:
    dumped = json.dumps([secret], ensure_ascii=ascii_only)
    assert dumped[2:-2] not in redacted(secret, dumped)
    assert repr(secret)[1:-1] not in redacted(secret, repr([secret]))


@given(SECRETS, TEXTS)
@example("emulator", "tap_user")
def test_basic_credentials_never_survive(secret: str, user: str) -> None:
    encoded = base64.b64encode(f"{user}:{secret}".encode()).decode()
    # Without the word Basic, so that only the secret itself gives it away.
    shown = redacted(secret, f"header was {encoded}.")
    assert encoded not in shown
    assert encoded[-8:] not in shown


def texts_in(value: object) -> Iterator[str]:
    r"""Every text of nested values; JSON would add digits of its own by escaping (\\u0000)."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from (*texts_in(name), *texts_in(inner))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from texts_in(inner)
    elif isinstance(value, bytes):
        yield value.decode("utf-8", "surrogateescape")
    elif isinstance(value, str):
        yield value


@example("0000", "\x00")
@given(SECRETS, st.recursive(TEXTS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner)))
def test_a_secret_never_survives_in_nested_values(secret: str, value: object) -> None:
    redaction.clear()
    redaction.register(secret)
    holding = {"a": [value, {"b": secret, secret: 1}], "c": (f"x{secret}y", secret.encode())}
    shown = list(texts_in(redaction.redact_value(holding)))
    assert shown
    assert not [text for text in shown if secret in text]


@given(st.text(max_size=200))
def test_texts_without_secrets_stay_as_they_are(text: str) -> None:
    redaction.clear()
    redaction.register("a secret that no text has")
    if not any(mark in text for mark in "=:"):
        assert redaction.redact(text) == text or "asic" in text.lower() or "earer" in text.lower()


@given(TEXTS, st.lists(SECRETS, min_size=2, max_size=4))
def test_secrets_inside_secrets_leave_no_rest(text: str, secrets: list[str]) -> None:
    redaction.clear()
    whole = "".join(secrets)
    for secret in [*secrets, whole]:
        redaction.register(secret)
    assert redaction.redact(f"<{whole}>") == f"<{redaction.MASK}>"
