"""Piggybacks: small requests that ride before a function and get no answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from oracle_emulator.codec.buffers import MalformedError, Reader
from oracle_emulator.ttc.constants import Function
from oracle_emulator.ttc.lob import LOCATOR_BYTES

_ABORT_ON_ERROR = 2


@dataclass(frozen=True, slots=True)
class Piggyback:
    """What a piggyback asks for; only the fields of its own kind are filled."""

    cursors: tuple[int, ...] = ()
    attributes: dict[str, str] = field(default_factory=dict)
    namespace: str | None = None  # of an application context
    context: dict[str, str] = field(default_factory=dict)  # empty: the namespace is cleared
    free_locators: tuple[bytes, ...] = ()
    begin_pipeline: bool = False
    abort_on_error: bool = False


def decode_piggyback(reader: Reader, function: Function) -> Piggyback:
    """Return a piggyback; its header was read already.

    Raises MalformedError for one that is not known.
    """
    decode = _DECODERS.get(function)
    if decode is None:
        raise MalformedError(f"a piggyback {function.name}")
    return decode(reader)


def _close_cursors(reader: Reader) -> Piggyback:
    reader.u8()
    return Piggyback(cursors=tuple(reader.ub() for _ in range(reader.ub())))


def _end_to_end(reader: Reader) -> Piggyback:
    reader.raw(2)
    reader.ub()
    present: list[tuple[str, bool, int]] = []

    def head(name: str) -> None:
        present.append((name, bool(reader.u8()), reader.ub()))

    head("CLIENT_IDENTIFIER")
    head("MODULE")
    head("ACTION")
    for _ in range(2):
        reader.u8()
        reader.ub()
    head("CLIENT_INFO")
    for _ in range(2):
        reader.u8()
        reader.ub()
    head("DBOP")
    return Piggyback(
        attributes={
            name: reader.text() if length else "" for name, given, length in present if given
        }
    )


def _set_schema(reader: Reader) -> Piggyback:
    reader.u8()
    return Piggyback(attributes={"CURRENT_SCHEMA": reader.text2()})


def _free_lobs(reader: Reader) -> Piggyback:
    """The fixed part of a LOB operation, then the locators one after the other."""
    reader.u8()
    total = reader.ub()
    reader.u8()
    for _ in range(3):
        reader.ub()
    reader.raw(3)
    reader.ub()  # operation
    reader.raw(2)
    reader.ub(8)
    reader.ub(8)
    reader.u8()
    reader.raw(6)
    data = reader.raw(total)
    return Piggyback(
        free_locators=tuple(
            data[start : start + LOCATOR_BYTES] for start in range(0, total, LOCATOR_BYTES)
        )
    )


def _key_values(reader: Reader) -> Piggyback:
    reader.u8()
    reader.ub()
    reader.u8()
    count = reader.ub()
    reader.ub(2)  # set or clear, which the count says as well
    reader.u8()
    namespace = reader.text()
    context = {}
    for _ in range(count):
        name = reader.text2()
        context[name] = reader.text2()
        reader.ub()
    return Piggyback(namespace=namespace, context=context)


def _session_state(reader: Reader) -> Piggyback:
    reader.ub(8)
    return Piggyback()


def _begin_pipeline(reader: Reader) -> Piggyback:
    reader.ub(2)
    reader.u8()
    return Piggyback(begin_pipeline=True, abort_on_error=reader.u8() == _ABORT_ON_ERROR)


_DECODERS: dict[Function, Callable[[Reader], Piggyback]] = {
    Function.CLOSE_CURSORS: _close_cursors,
    Function.END_TO_END: _end_to_end,
    Function.SET_SCHEMA: _set_schema,
    Function.LOB_OP: _free_lobs,
    Function.KEY_VALUES: _key_values,
    Function.SESSION_STATE: _session_state,
    Function.PIPELINE_BEGIN: _begin_pipeline,
}
