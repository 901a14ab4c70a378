"""A warehouse at work, by the emulator's clock: orders, waves, moves, late commits, purges.

What happens when follows from the seed and the rates alone. Every event is one transaction at one
instant; a late one carries the instant at which it began.
"""

import heapq
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal

from wms_emulator.accounts import Account
from wms_emulator.clock import from_us
from wms_emulator.records import Ref, Row
from wms_emulator.schema.catalogue import ENTITIES
from wms_emulator.store.rows import columns, index_on, oldest
from wms_emulator.warehouse import Warehouse

_HOUR_S = 3600
_SECOND_US = 1_000_000
_STEPS = (0, 10, 20, 25, 27, 30, 40, 50, 90)
_ALLOCATION_AT = {20: 10, 25: 10, 27: 20, 30: 20, 40: 30, 50: 30, 90: 90}
_ACTIVITY_AT = {27: 51, 40: 11, 50: 13, 90: 3}  # moved, packed, loaded, shipped
_PURGED = ("allocation", "inventory_history")
_TOUCHED = ("order_hdr", "order_dtl", "allocation", "wave", "inventory_history")


class LifeError(ValueError):
    """Rates that do not make sense; nothing was changed."""


@dataclass(frozen=True)
class Rates:
    """How much happens in an hour of the emulator's clock, and how large it is."""

    orders_per_h: float = 0.0
    lines_per_order: int = 5
    waves_per_h: float = 0.0
    wave_rows: int = 2000  # that many rows at least get one and the same mod_ts
    moves_per_h: float = 0.0  # one order one step on
    late_per_h: float = 0.0  # transactions that become visible after late_s (least, most)
    late_s: tuple[float, float] = (120.0, 7200.0)
    purges_per_h: float = 0.0
    purge_rows: int = 20
    volatile_per_h: float = 0.0  # columns that change although mod_ts stays
    eligibility_per_h: float = 0.0  # a facility leaves the account's or comes back
    seed: int = 1


_KINDS = tuple(
    one.name.removesuffix("_per_h") for one in fields(Rates) if one.name.endswith("_per_h")
)


class Life:
    """Events to come, in order of their time; off until set."""

    def __init__(self, warehouse: Warehouse, account: Account) -> None:
        self._warehouse = warehouse
        self._account = account
        self._rates = Rates()
        self._done = dict.fromkeys((*_KINDS, "late_commits"), 0)
        self._due: list[tuple[int, int, str, int]] = []  # at, order of arrival, kind, began
        self._arrivals = 0
        self._lots: dict[str, random.Random] = {}
        self._events: dict[str, Callable[[int], None]] = {
            "orders": self._order,
            "waves": self._wave,
            "moves": self._move,
            "late": self._begin_late,
            "late_commits": self._commit_late,
            "purges": self._purge,
            "volatile": self._volatile,
            "eligibility": self._eligibility,
        }

    @property
    def on(self) -> bool:
        """Whether anything is to come."""
        return bool(self._due)

    def set(self, wanted: Mapping[str, object]) -> dict[str, object]:
        """Set the rates from the present on; what is not named is zero, so {} ends it.

        Raises:
            LifeError: an unknown key or a number out of range.
        """
        self._rates = _rates(wanted)
        self._due = []
        # Not for secrets: reproducible lots are the point.
        self._lots = {kind: random.Random(f"{self._rates.seed}/{kind}") for kind in self._events}  # noqa: S311 - a seeded simulation
        if wanted:
            for entity, name in (("order_dtl", "order_id"), ("allocation", "order_dtl_id")):
                index_on(self._warehouse.database, ENTITIES[entity], name)
        for kind in _KINDS:
            self._plan_next(kind, self._warehouse.clock.now_us())
        return self.shown()

    def shown(self) -> dict[str, object]:
        """The rates in force and what has been done so far."""
        rates = {one.name: getattr(self._rates, one.name) for one in fields(Rates)}
        return {**rates, "done": dict(self._done)}

    def _plan(self, kind: str, at_us: int, began_us: int = 0) -> None:
        self._arrivals += 1
        heapq.heappush(self._due, (at_us, self._arrivals, kind, began_us))

    def _plan_next(self, kind: str, after_us: int) -> None:
        rate: float = getattr(self._rates, f"{kind}_per_h")
        if rate > 0:
            wait_s = self._lots[kind].expovariate(rate / _HOUR_S)
            self._plan(kind, after_us + max(1, round(wait_s * _SECOND_US)))

    def step(self) -> None:
        """Make what is due at the present, at the present."""
        now_us = self._warehouse.clock.now_us()
        while self._due and self._due[0][0] <= now_us:
            self._make_next()

    def pass_time(self, seconds: float) -> dict[str, object]:
        """Let so much time pass at once: the clock stands at each event, and at the end."""
        clock = self._warehouse.clock
        end_us = clock.now_us() + round(seconds * _SECOND_US)
        clock.set(from_us(clock.now_us()))
        while self._due and self._due[0][0] <= end_us:
            clock.set(from_us(max(self._due[0][0], clock.now_us())))
            self._make_next()
        clock.set(from_us(end_us))
        return {**self.shown(), "now": clock.now().isoformat()}

    def _make_next(self) -> None:
        at_us, _, kind, began_us = heapq.heappop(self._due)
        warehouse = self._warehouse
        ordinals = warehouse.ordinals()
        try:
            with warehouse.database.transaction():
                self._events[kind](began_us or warehouse.clock.now_us())
                warehouse.keep(_TOUCHED)
        except BaseException:
            warehouse.restore(ordinals)
            raise
        self._done[kind] += 1
        if kind in _KINDS:
            self._plan_next(kind, at_us)

    def _order(self, mod_us: int) -> None:
        """A new order with its lines."""
        warehouse, lots = self._warehouse, self._lots["orders"]
        order = ENTITIES["order_hdr"]
        order_id = warehouse.insert(order, mod_us, {})
        record = warehouse.record(order, order_id) or {}
        quantities = [lots.randint(1, 40) for _ in range(self._rates.lines_per_order)]
        for number, quantity in enumerate(quantities, 1):
            asked = Decimal(quantity)
            line: Row = {
                "order_id": Ref(order_id, str(record["order_nbr"])),
                "seq_nbr": number,
                **dict.fromkeys(("ord_qty", "orig_ord_qty", "ordered_uom_qty"), asked),
            }
            warehouse.insert(ENTITIES["order_dtl"], mod_us, line)
        totals: Row = {
            "total_orig_ord_qty": Decimal(sum(quantities)),
            "orig_sku_count": len(quantities),
        }
        warehouse.update(order, order_id, mod_us, totals)

    def _wave(self, mod_us: int) -> None:
        """Allocate open lines, and touch wave_rows rows in all, in one instant."""
        warehouse, line, allocation = (
            self._warehouse, ENTITIES["order_dtl"], ENTITIES["allocation"],
        )  # fmt: skip
        wave_id = warehouse.insert(ENTITIES["wave"], mod_us, {"status_id": Ref(90, "")})
        wave = Ref(wave_id, str((warehouse.record(ENTITIES["wave"], wave_id) or {})["run_nbr"]))
        picked = ["t.id", 't."order_id"', 't."$key"', 't."ord_qty"']
        tail = 'WHERE t."status_id" = 0 ORDER BY t.id LIMIT ?'
        open_lines = columns(warehouse.database, line, picked, tail, (self._rates.wave_rows // 2,))
        orders = set()
        for line_id, order_id, key, _ in open_lines:
            record = warehouse.record(line, _int(line_id)) or {}
            quantity = Decimal(str(record["ord_qty"]))
            taken: Row = {"status_id": Ref(20, ""), "alloc_qty": quantity}
            warehouse.update(line, _int(line_id), mod_us, taken)
            target = Ref(_int(line_id), str(key or ""))
            made: Row = {"order_dtl_id": target, "alloc_qty": quantity, "wave_id": wave}
            warehouse.insert(allocation, mod_us, made)
            orders.add(_int(order_id))
        for order_id in sorted(orders):
            if warehouse.record(ENTITIES["order_hdr"], order_id) is not None:
                given: Row = {"status_id": Ref(20, "")}
                warehouse.update(ENTITIES["order_hdr"], order_id, mod_us, given)
        rest = self._rates.wave_rows - 2 * len(open_lines)
        for touched in warehouse.spread(allocation, max(rest, 0)):
            warehouse.update(allocation, touched, mod_us, {"wave_id": wave})

    def _move(self, mod_us: int) -> None:
        """One order, its lines and allocations one step on, with a line of history."""
        warehouse, order = self._warehouse, ENTITIES["order_hdr"]
        tail = 'WHERE t."status_id" BETWEEN 20 AND 50 ORDER BY t.id'
        found = columns(warehouse.database, order, ["t.id", 't."status_id"'], tail, ())
        if not found:
            return
        order_id, status = map(_int, self._lots["moves"].choice(found))
        following = _STEPS[_STEPS.index(status) + 1]
        given: Row = {"status_id": Ref(following, "")}
        warehouse.update(order, order_id, mod_us, given)
        lines = self._ids("order_dtl", 'WHERE t."order_id" = ?', order_id)
        for line_id in lines:
            warehouse.update(ENTITIES["order_dtl"], line_id, mod_us, given)
            for one in self._ids("allocation", 'WHERE t."order_dtl_id" = ?', line_id):
                self._move_allocation(one, _ALLOCATION_AT[following], mod_us)
        record = warehouse.record(order, order_id) or {}
        history: Row = {
            "order_id": Ref(order_id, str(record["order_nbr"])),
            "order_nbr": str(record["order_nbr"]),
            "history_activity_id": Ref(_ACTIVITY_AT.get(following, 85), ""),
        }
        warehouse.insert(ENTITIES["inventory_history"], mod_us, history)

    def _move_allocation(self, record_id: int, status: int, mod_us: int) -> None:
        allocation = ENTITIES["allocation"]
        given: Row = {"status_id": Ref(status, "")}
        if status >= 20:
            given |= {"picked_ts": mod_us, "pick_user": "ops_night"}
        if status >= 30:
            record = self._warehouse.record(allocation, record_id) or {}
            given["packed_qty"] = Decimal(str(record["alloc_qty"]))
        self._warehouse.update(allocation, record_id, mod_us, given)

    def _begin_late(self, mod_us: int) -> None:
        """A long transaction begins now; its rows come to sight when it ends."""
        least, most = self._rates.late_s
        wait_s = self._lots["late"].uniform(least, most)
        self._plan("late_commits", mod_us + round(wait_s * _SECOND_US), mod_us)

    def _commit_late(self, began_us: int) -> None:
        """An order of then, and rows that nothing has touched since."""
        self._order(began_us)
        allocation = ENTITIES["allocation"]
        for record_id in self._warehouse.spread(allocation, 20):
            unchanged = self._ids(
                "allocation", "WHERE t.id = ? AND t.mod_ts < ?", record_id, began_us
            )
            if unchanged:
                self._warehouse.update(allocation, record_id, began_us, {})

    def _purge(self, mod_us: int) -> None:
        """The oldest finished rows go."""
        for name in _PURGED:
            finished = 'WHERE t."status_id" = 90' if name == "allocation" else ""
            for record_id in oldest(
                self._warehouse.database, ENTITIES[name], finished, self._rates.purge_rows
            ):
                self._warehouse.delete(ENTITIES[name], record_id, mod_us)

    def _volatile(self, _mod_us: int) -> None:
        """Columns that the server keeps without moving mod_ts."""
        lots = self._lots["volatile"]
        for name, column in (("location", "in_transit_units"), ("ib_shipment", "lpn_count")):
            for record_id in self._warehouse.spread(ENTITIES[name], 1):
                number = lots.randint(0, 500)
                value: object = Decimal(number) if name == "location" else number
                self._warehouse.update(ENTITIES[name], record_id, None, {column: value})

    def _eligibility(self, _mod_us: int) -> None:
        """One of the facilities leaves the account's eligibility, or comes back."""
        every = columns(
            self._warehouse.database, ENTITIES["facility"], ['t."code"'], "ORDER BY t.id", ()
        )
        codes = [str(code) for (code,) in every]
        held = self._account.user.facilities
        seen = set(codes) if held is None else set(held)
        code = self._lots["eligibility"].choice(codes)
        changed = seen ^ {code}
        if changed:
            self._account.change({"facilities": sorted(changed)})

    def _ids(self, name: str, tail: str, *parameters: object) -> list[int]:
        found = columns(self._warehouse.database, ENTITIES[name], ["t.id"], tail, parameters)
        return [_int(one) for (one,) in found]


def _int(value: object) -> int:
    return int(str(value))


def _rates(wanted: Mapping[str, object]) -> Rates:
    known = {one.name: one.default for one in fields(Rates)}
    values: dict[str, object] = {}
    for name, value in wanted.items():
        if name not in known:
            raise LifeError(f"unknown key {name!r}: {', '.join(known)}")
        if name == "late_s":
            if not (isinstance(value, list) and len(value) == 2 and 0 <= value[0] <= value[1]):
                raise LifeError("late_s: [least, most] in seconds")
            values[name] = (float(value[0]), float(value[1]))
        elif isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise LifeError(f"{name}: a number from zero up")
        else:
            values[name] = int(value) if isinstance(known[name], int) else float(value)
    return Rates(**values)  # type: ignore[arg-type] # each was checked against its default
