"""Reads entities.txt, lookups.txt and names.txt into ENTITIES; they describe their notation."""

import re
from collections.abc import Iterator
from importlib import resources

from wms_emulator.schema.model import Entity, Field, Kind

_SECTION = re.compile(r"\[(\w+)\]")
_KIND = re.compile(r"(str|int|dec|bool|date|ts|blob|fk|status|set|computed)(\d*)(?:>([\w.]+))?")
_LOOKUP_FIELDS = (
    Field("id", Kind.ID, required=True),
    Field("code", Kind.TEXT, max_length=50, required=True),
    Field("description", Kind.TEXT, max_length=50, required=True),
)


def _sections(file_name: str) -> Iterator[tuple[str, list[str]]]:
    """Each [section] of a file with its lines, comments and blank lines left out."""
    text = resources.files(__package__).joinpath(file_name).read_text(encoding="utf-8")
    name, lines = "", list[str]()
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        head = _SECTION.fullmatch(line)
        if head is None:
            lines.append(line)
            continue
        if name:
            yield name, lines
        name, lines = head[1], []
    yield name, lines


def _field(line: str) -> Field:
    name, kind_text, *flags = line.split()
    match = _KIND.fullmatch(kind_text)
    if match is None:
        raise ValueError(f"entities.txt: no such kind: {line!r}")
    defaults = [flag.removeprefix("default=") for flag in flags if flag.startswith("default=")]
    return Field(
        name=name,
        kind=Kind.ID if name == "id" else Kind(match[1]),
        max_length=int(match[2] or 0),
        required="required" in flags,
        default=defaults[0] if defaults else None,
        target=match[3] or "",
        hidden="hidden" in flags,
    )


def _lookup(name: str, lines: list[str]) -> Entity:
    pairs = [line.split(" ", 1) for line in lines]
    return Entity(name, _LOOKUP_FIELDS, tuple((int(key), text) for key, text in pairs))


_SKETCH = {
    "lookup": "",
    "business": "id int|create_user str30|create_ts ts default=now|mod_user str30"
    "|mod_ts ts default=now|code str30 required|description str100",
    "keyless": "code str30 required|description str100",
}
_SKETCH["stage"] = _SKETCH["business"]
_SKETCH_ROWS = {"business": 2, "stage": 0, "keyless": 0}
_SKETCH_LOOKUP = ((1, "Standard"), (2, "Extended"), (3, "Other"))
_SUBSET = re.compile(r"subset>(\w+)\.(\w+)=(\w+)")


def _sketched(name: str, kind: str, flags: list[str]) -> Entity:
    """An entity of names.txt that is not a subset."""
    since = next((flag.removeprefix("since=") for flag in flags if flag.startswith("since=")), "")
    list_only = "listonly" in flags
    if kind == "lookup":
        return Entity(name, _LOOKUP_FIELDS, _SKETCH_LOOKUP, since=since, list_only=list_only)
    fields = tuple(map(_field, _SKETCH[kind].split("|")))
    return Entity(name, fields, (), _SKETCH_ROWS[kind], since, list_only)


def _names(known: dict[str, Entity]) -> Iterator[Entity]:
    text = resources.files(__package__).joinpath("names.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, kind, *flags = line.split()
        subset = _SUBSET.fullmatch(kind)
        if subset is None:
            yield _sketched(name, kind, flags)
            continue
        base, field, value = subset.groups()
        chosen: str | int = int(value) if value.isdigit() else value
        yield Entity(name, known[base].fields, base=base, subset=(field, chosen))


def _load() -> dict[str, Entity]:
    served = [Entity(name, tuple(map(_field, lines))) for name, lines in _sections("entities.txt")]
    lookups = [_lookup(name, lines) for name, lines in _sections("lookups.txt")]
    known = {entity.name: entity for entity in served + lookups}
    known.update({entity.name: entity for entity in _names(known)})
    return dict(sorted(known.items()))


ENTITIES: dict[str, Entity] = _load()
