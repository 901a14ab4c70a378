"""The admin API, on a port of its own: changes, journal, clock, faults, requests. No WMS has it."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from datetime import datetime

import msgspec

from wms_emulator import changes
from wms_emulator.accounts import Account
from wms_emulator.activity import Activity
from wms_emulator.changes import ChangeError
from wms_emulator.clock import from_us, to_us
from wms_emulator.faults import Fault, FaultName, Plan
from wms_emulator.life import Life
from wms_emulator.messages import Request, Response, json_response
from wms_emulator.records import URL_MARK_BYTES
from wms_emulator.schema.catalogue import ENTITIES
from wms_emulator.store.journal import truth
from wms_emulator.store.rows import count
from wms_emulator.warehouse import Warehouse

_CHUNK_ROWS = 200


class AdminError(Exception):
    """A request of the admin API that cannot be met: answered 400 with the message."""


@dataclass
class Admin:
    """What the admin API works with."""

    warehouse: Warehouse
    faults: Plan
    activity: Activity
    life: Life
    account: Account
    entity_url: Callable[[], str]  # known once the API's port is
    requests: deque[dict[str, object]] = field(default_factory=lambda: deque(maxlen=10_000))

    def handle(self, request: Request) -> Response:
        """The answer to one request of the admin API."""
        path = request.path.strip("/")
        try:
            if request.method == "GET" and path.startswith("journal/"):
                return self._journal(request, path.removeprefix("journal/"))
            endpoint = self._endpoints().get((request.method, path))
            if endpoint is not None:
                return json_response(200, endpoint(_object(request)))
        except (AdminError, ChangeError, msgspec.MsgspecError, ValueError) as error:
            return json_response(400, {"error": str(error)})
        return json_response(404, {"error": f"no {request.method} {request.path}"})

    def _endpoints(self) -> dict[tuple[str, str], Callable[[dict[str, object]], object]]:
        return {
            ("POST", "changes"): lambda wanted: changes.apply(self.warehouse, wanted),
            ("GET", "entities"): lambda _: self._entities(),
            ("POST", "clock"): self._clock,
            ("GET", "clock"): self._clock,
            ("POST", "faults"): self._faults,
            ("GET", "faults"): lambda _: self.faults.shown(),
            ("POST", "activity"): self.activity.set,
            ("GET", "activity"): lambda _: self.activity.shown(),
            ("POST", "life"): self.life.set,
            ("GET", "life"): lambda _: self.life.shown(),
            ("POST", "pass"): self._pass,
            ("POST", "account"): self.account.change,
            ("GET", "account"): lambda _: self.account.shown(),
            ("GET", "requests"): lambda _: list(self.requests),
        }

    def _entities(self) -> dict[str, int]:
        """Each entity with its number of rows now."""
        database = self.warehouse.database
        return {name: count(database, entity) for name, entity in ENTITIES.items()}

    def _journal(self, request: Request, name: str) -> Response:
        """The rows of an entity as they are (or were, ?at=), one JSON object per line."""
        entity = ENTITIES.get(name)
        if entity is None:
            raise AdminError(f"no entity {name!r}")
        at = request.query.get("at")
        lines_of = truth(self.warehouse.database, entity, at_us=to_us(_moment(at)) if at else None)
        url = self.entity_url().encode()

        def pieces() -> Iterator[bytes]:
            lines: list[bytes] = []
            for body in lines_of:
                lines.append(body.replace(URL_MARK_BYTES, url))
                if len(lines) == _CHUNK_ROWS:
                    yield b"\n".join(lines) + b"\n"
                    lines.clear()
            if lines:
                yield b"\n".join(lines) + b"\n"

        return Response(200, pieces(), content_type="application/x-ndjson")

    def _clock(self, wanted: dict[str, object]) -> dict[str, str]:
        """Move the clock; answers what it shows."""
        clock = self.warehouse.clock
        match wanted:
            case {"now": str(text)}:
                clock.set(_moment(text))
            case {"advance_s": int(step) | float(step)}:
                clock.advance(step)
            case {"speed": int(speed) | float(speed)} if speed > 0:
                clock.run(speed)
            case {"real": True}:
                clock.real()
            case _ if wanted:
                raise AdminError(
                    'one of {"now": iso}, {"advance_s": n}, {"speed": n}, {"real": true}'
                )
        return {"now": from_us(clock.now_us()).isoformat()}

    def _pass(self, wanted: dict[str, object]) -> dict[str, object]:
        """Let time pass at once, with all that life brings in it."""
        match wanted:
            case {"seconds": int(seconds) | float(seconds)} if seconds >= 0:
                return self.life.pass_time(seconds)
        raise AdminError('{"seconds": n}')

    def _faults(self, wanted: dict[str, object]) -> dict[str, object]:
        """Replace the plan: {"faults": [{"name": …}, …], "seed": n}."""
        rows, seed = wanted.get("faults"), wanted.get("seed", self.faults.seed)
        if not isinstance(rows, list) or not isinstance(seed, int):
            names = ", ".join(name.value for name in FaultName)
            raise AdminError(f'{{"faults": [{{"name": one of {names}, …}}], "seed": n}}')
        self.faults.set([_fault(row) for row in rows], seed)
        return self.faults.shown()


def _object(request: Request) -> dict[str, object]:
    value = msgspec.json.decode(request.body or b"{}")
    if not isinstance(value, dict):
        raise AdminError("the body must be a JSON object")
    return value


def _fault(row: object) -> Fault:
    known = {option.name for option in fields(Fault)}
    unknown = set(row) - known if isinstance(row, dict) else set()
    if unknown:
        raise AdminError(f"unknown option {min(unknown)!r}: {', '.join(sorted(known))}")
    return msgspec.convert(row, Fault)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise AdminError(f"{text!r}: an offset is needed")
    return moment
