"""Secrets leave every text and value here before anything is written.

Two rules: registered secret values, in each form in which they travel (as they are, URL-encoded,
base64 as in Basic authentication, escaped by JSON or repr), and names that say secret (password,
token, authorization ...), as a key of a mapping or as key=value in a text. Pure apart from the
list of registered values. Nothing is written here.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import math
import re
import threading
from collections.abc import Mapping, Set
from functools import lru_cache
from urllib.parse import quote, quote_plus

MASK = "***"
MAX_TEXT_CHARS = 32_768
MAX_ITEMS = 1_000
MAX_DEPTH = 8
#: A shorter secret is masked only where it stands alone, or every text would be masked away.
MIN_INFIX_CHARS = 4

_SECRET_KEY = re.compile(
    r"(?:^|[_\-. ])(?:.*password|.*passwd|pwd|.*passphrase|.*secret|.*token|authorization"
    r"|proxy-authorization|api[_-]?key|private[_-]?key|cookie|set-cookie)$",
    re.IGNORECASE,
)
_TEXT_RULES = (
    # Basic and bearer credentials in a header.
    (re.compile(r"\b(Basic|Bearer)\s+[A-Za-z0-9+/=._~\-]{4,}", re.IGNORECASE), rf"\1 {MASK}"),
    # The password of a URL.
    (re.compile(r"(://[^/\s:@]+:)[^/\s@]+(@)"), rf"\1{MASK}\2"),
    # "password": "value", as JSON and repr write a mapping.
    (
        re.compile(
            r"""(?P<head>(?P<q>["'])[\w\-.]*(?:password|passwd|passphrase|secret|token|authorization)"""
            r"""(?P=q)\s*:\s*)(?P<v>["'])(?:\\.|(?!(?P=v)).)*(?P=v)""",
            re.IGNORECASE,
        ),
        rf"\g<head>\g<v>{MASK}\g<v>",
    ),
    # NAME_PASSWORD=value, as an environment or an argument list shows it.
    (
        re.compile(
            r"""((?:password|passwd|passphrase|secret|[\w\-]token|authorization)=)["']?[^\s"',;&)]+["']?""",
            re.IGNORECASE,
        ),
        rf"\1{MASK}",
    ),
)

_BASE64 = r"[A-Za-z0-9+/_\-]"

_lock = threading.Lock()
_secrets: set[str] = set()
_pattern: re.Pattern[str] | None = None


def register(secret: str) -> None:
    """Make `secret` unreadable in all that is written from now on; an empty one is ignored."""
    global _pattern  # noqa: PLW0603 -- one pattern for the process, rebuilt under the lock
    if not secret:
        return
    with _lock:
        if secret not in _secrets:
            _secrets.add(secret)
            _pattern = _compile(_secrets)


def clear() -> None:
    """Forget the registered secrets (for tests)."""
    global _pattern  # noqa: PLW0603 -- see register
    with _lock:
        _secrets.clear()
        _pattern = None


def _compile(secrets: Set[str]) -> re.Pattern[str]:
    forms: set[str] = set()
    for secret in secrets:
        forms.update(_forms(secret))
    # The longest first, or a secret inside another would leave the rest of it readable.
    return re.compile("|".join(sorted(forms, key=lambda form: (-len(form), form))))


def _forms(secret: str) -> set[str]:
    """Return the patterns of one secret."""
    texts = {
        secret,
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
    }
    if len(secret) < MIN_INFIX_CHARS:
        return {rf"(?<!\w){re.escape(text)}(?!\w)" for text in texts}
    patterns = {re.escape(text) for text in texts}
    # In base64("user:" + secret) the secret starts at one of three offsets; the characters that
    # depend on it alone are looked for, and the whole word around them is masked.
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + secret.encode()).decode()
        first = -(-offset * 8 // 6)
        core = encoded[first:].rstrip("=")[: -1 if (offset + len(secret.encode())) % 3 else None]
        if len(core) >= MIN_INFIX_CHARS:
            rest = rf"{re.escape(core)}{_BASE64}*={{0,2}}"
            # A word is looked through from its beginning only: from each of its characters on, a
            # long one took seconds. Behind another match there may be no beginning of a word.
            patterns |= {rf"(?<!{_BASE64}){_BASE64}*{rest}", rf"{_BASE64}?{rest}"}
    return patterns


def redact(text: str) -> str:
    """Return `text` without secrets, cut to MAX_TEXT_CHARS."""
    pattern = _pattern
    if pattern is not None:
        text = pattern.sub(MASK, text)
    for rule, replacement in _TEXT_RULES:
        text = rule.sub(replacement, text)
    if len(text) > MAX_TEXT_CHARS:
        text = f"{text[:MAX_TEXT_CHARS]}… ({len(text) - MAX_TEXT_CHARS} more characters)"
    return text


@lru_cache(maxsize=1024)  # the names of fields are few, and each stands in thousands of records
def is_secret_key(name: str) -> bool:
    """Say whether a value under this name is a secret by its name alone."""
    return bool(_SECRET_KEY.search(name))


def redact_value(value: object, *, depth: int = 0) -> object:
    """Return `value` as plain JSON values without secrets.

    What JSON does not know becomes its text; deep, long or many values are cut, with a word that
    says so.
    """
    if value is None or isinstance(value, bool | int | float | str | bytes | bytearray):
        return _redact_scalar(value)
    if depth >= MAX_DEPTH:
        return "… (deeper)"
    if isinstance(value, Mapping):
        return _redact_mapping(value, depth)
    if isinstance(value, list | tuple | Set):
        items = [redact_value(item, depth=depth + 1) for item in list(value)[:MAX_ITEMS]]
        if len(value) > MAX_ITEMS:
            items.append(f"… ({len(value) - MAX_ITEMS} more)")
        return items
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return _redact_mapping({field.name: getattr(value, field.name) for field in fields}, depth)
    return redact(str(value))


def _redact_scalar(value: str | bytes | bytearray | float | None) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, bytes | bytearray):
        return redact(bytes(value).decode("utf-8", "backslashreplace"))
    text, pattern = str(value), _pattern
    if pattern is not None and pattern.search(
        text
    ):  # what the rules for texts look for has letters
        return MASK
    return value if math.isfinite(value) else text  # JSON has no NaN and no infinity


def _redact_mapping(value: Mapping[object, object], depth: int) -> dict[str, object]:
    redacted: dict[str, object] = {}
    for number, (key, item) in enumerate(value.items()):
        if number >= MAX_ITEMS:
            redacted["…"] = f"{len(value) - MAX_ITEMS} more"
            break
        name = redact(str(key))
        secret = is_secret_key(name) and item is not None and not isinstance(item, bool)
        redacted[name] = MASK if secret else redact_value(item, depth=depth + 1)
    return redacted
