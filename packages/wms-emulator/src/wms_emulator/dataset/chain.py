"""The process chain in seeded rows: statuses and quantities that agree from order to allocation.

Rows get older with falling ordinals, so the first nine tenths of a table are finished and the rest
stands at every step of the work. Each function takes (dataset, ordinal, number) and is pure.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple, Protocol

Steps = tuple[int, ...]

ORDER_OPEN: Steps = (50, 40, 30, 27, 25, 20, 10, 0, 0, 0)
_ALLOCATION_OF_ORDER = {
    0: 0, 10: 10, 20: 10, 25: 10, 27: 20, 30: 20, 40: 30, 50: 30, 90: 90, 99: 99,
}  # fmt: skip
_ACTIVITIES = (1, 3, 6, 7, 10, 11, 12, 13, 17, 22, 38, 40, 48, 51, 72, 80, 84, 85)
_OUTBOUND = frozenset({3, 10, 11, 12, 13, 80, 84, 85})
_CANCELLED_EVERY = 37
_MOST_PER_LINE = 40
_OPEN_SHARE = 10


class Line(NamedTuple):
    """What allocations have to know about their order line."""

    status: int  # of its order
    quantity: int
    first: int  # its allocations: from this ordinal on
    end: int  # and up to this one


class Source(Protocol):
    """What of the dataset these functions use; each is described there."""

    def size(self, entity: str) -> int: ...  # noqa: D102 - see Dataset
    def number(self, entity: str, ordinal: int) -> int: ...  # noqa: D102 - see Dataset
    def nested(self, entity: str, parent: str, ordinal: int) -> int: ...  # noqa: D102 - see Dataset
    def related(  # noqa: D102 - see Dataset
        self, entity: str, field: str, ordinal: int
    ) -> int | None: ...
    def line_of(self, allocation: int) -> Line | None: ...  # noqa: D102 - see Dataset

    @property
    def key_of(self) -> Callable[[str, int], str]: ...  # noqa: D102 - see Dataset
    @property
    def instants(self) -> Callable[[str, int], tuple[int, int]]: ...  # noqa: D102 - see Dataset


Maker = Callable[[Source, int, int], object]


def first_below(parents: int, children: int, ordinal: int) -> int:
    """The first of the children that stand, evenly spread, under the parent `ordinal`."""
    return -(-ordinal * children // parents)


def _progress(size: int, ordinal: int, finished: int, open_steps: Steps) -> int:
    """The status of a row by its age."""
    still_open = -(-size // _OPEN_SHARE)
    behind = ordinal - (size - still_open)
    if behind < 0:
        return finished
    return open_steps[min(behind * len(open_steps) // still_open, len(open_steps) - 1)]


def order_status(source: Source, ordinal: int) -> int:
    """An order's status; of the finished ones every 37th or so was cancelled."""
    status = _progress(source.size("order_hdr"), ordinal, 90, ORDER_OPEN)
    if status == 90 and source.number("order_hdr", ordinal) % _CANCELLED_EVERY == 5:
        return 99
    return status


def line_status(source: Source, ordinal: int) -> int:
    """An order line's status: its order's."""
    if not source.size("order_hdr"):
        return 0
    return order_status(source, source.nested("order_dtl", "order_hdr", ordinal))


def line_quantity(source: Source, ordinal: int) -> int:
    """How much an order line asks for."""
    return 1 + source.number("order_dtl", ordinal) % _MOST_PER_LINE


def allocated_lines(source: Source) -> int:
    """How many lines, from the first on, have been allocated: only they have allocations."""
    orders, lines = source.size("order_hdr"), source.size("order_dtl")
    still_open = -(-orders // _OPEN_SHARE)
    allocated = orders - still_open + -(-still_open * ORDER_OPEN.index(0) // len(ORDER_OPEN))
    return min(-(-allocated * lines // orders), lines) if orders and allocated else lines


def line_facts(source: Source, ordinal: int, allocated: int) -> Line:
    """An order line as its allocations need it; the first `allocated` lines have some."""
    first = end = 0
    if ordinal < allocated:
        count = source.size("allocation")
        first = first_below(allocated, count, ordinal)
        end = first_below(allocated, count, ordinal + 1)
    return Line(line_status(source, ordinal), line_quantity(source, ordinal), first, end)


def _share(line: Line, ordinal: int) -> Decimal:
    """An allocation's part of its line's quantity; the first ones take what is left over."""
    share, rest = divmod(line.quantity, max(line.end - line.first, 1))
    return Decimal(share + (ordinal - line.first < rest))


def _allocation_quantity(source: Source, ordinal: int, _number: int) -> Decimal:
    line = source.line_of(ordinal)
    return Decimal(1) if line is None else _share(line, ordinal)


def _allocation_status(source: Source, ordinal: int, _number: int = 0) -> int:
    line = source.line_of(ordinal)
    return 0 if line is None else _ALLOCATION_OF_ORDER[line.status]


def _packed(source: Source, ordinal: int, _number: int) -> Decimal:
    line = source.line_of(ordinal)
    if line is not None and _ALLOCATION_OF_ORDER[line.status] in {30, 90}:
        return _share(line, ordinal)
    return Decimal(0)


def _picked(source: Source, ordinal: int, _number: int) -> object:
    if _allocation_status(source, ordinal) in {20, 30, 90}:
        return source.instants("allocation", ordinal)[1]
    return None


def _allocated(source: Source, ordinal: int, _number: int) -> Decimal:
    """What the allocations of a line sum up to."""
    lines, count = allocated_lines(source), source.size("allocation")
    if ordinal >= lines:
        return Decimal(0)
    some = first_below(lines, count, ordinal + 1) > first_below(lines, count, ordinal)
    return Decimal(line_quantity(source, ordinal) if some else 0)


def _asked(source: Source, ordinal: int, _number: int) -> Decimal:
    return Decimal(line_quantity(source, ordinal))


def _lines_of(source: Source, ordinal: int) -> range:
    orders, lines = source.size("order_hdr"), source.size("order_dtl")
    return range(first_below(orders, lines, ordinal), first_below(orders, lines, ordinal + 1))


def _order_total(source: Source, ordinal: int, _number: int) -> Decimal:
    return Decimal(sum(line_quantity(source, line) for line in _lines_of(source, ordinal)))


def _progressing(entity: str, finished: int, *open_steps: int) -> Maker:
    return lambda source, ordinal, _n: _progress(source.size(entity), ordinal, finished, open_steps)


def _under(parent: str, child: str, finished: int, *open_steps: int) -> Maker:
    """A child's status by its parent's age."""

    def status(source: Source, ordinal: int, _number: int) -> int:
        above = source.nested(child, parent, ordinal) if source.size(parent) else 0
        return _progress(max(source.size(parent), 1), above, finished, open_steps)

    return status


def _key(entity: str, relation: str, target: str) -> Maker:
    """The natural key of what another field of the same row points at; "" for nothing."""

    def key(source: Source, ordinal: int, _number: int) -> str:
        related = source.related(entity, relation, ordinal)
        return "" if related is None else source.key_of(target, related)

    return key


def _container_type(source: Source, ordinal: int, _number: int) -> str:
    return "I" if ordinal * 5 < source.size("container") * 3 else "O"


def _container_status(source: Source, ordinal: int, number: int) -> int:
    if _container_type(source, ordinal, number) == "I":
        return (30, 30, 30, 10, 90)[number % 5]
    return _progress(source.size("container"), ordinal, 90, (90, 50, 50, 0))


def _activity(source: Source, ordinal: int, number: int) -> int:
    """What happened: outbound work where the row has an order, else inbound or inventory work."""
    outbound = source.related("inventory_history", "order_id", ordinal) is not None
    fitting = [one for one in _ACTIVITIES if (one in _OUTBOUND) is outbound]
    return fitting[number % len(fitting)]


CHAIN: dict[tuple[str, str], Maker] = {
    ("order_hdr", "status_id"): lambda source, ordinal, _n: order_status(source, ordinal),
    ("order_hdr", "total_orig_ord_qty"): _order_total,
    ("order_hdr", "orig_sku_count"): lambda source, ordinal, _n: len(_lines_of(source, ordinal)),
    ("order_dtl", "status_id"): lambda source, ordinal, _n: line_status(source, ordinal),
    ("order_dtl", "ord_qty"): _asked,
    ("order_dtl", "orig_ord_qty"): _asked,
    ("order_dtl", "ordered_uom_qty"): _asked,
    ("order_dtl", "alloc_qty"): _allocated,
    ("allocation", "status_id"): _allocation_status,
    ("allocation", "alloc_qty"): _allocation_quantity,
    ("allocation", "packed_qty"): _packed,
    ("allocation", "picked_ts"): _picked,
    ("wave", "status_id"): _progressing("wave", 90, 90, 90, 10, 0),
    ("task", "status_id"): _progressing("task", 90, 50, 50, 10, 0),
    ("load", "status_id"): _progressing("load", 90, 50, 30, 0),
    ("ob_stop", "status_id"): _under("load", "ob_stop", 90, 50, 10, 10),
    ("pallet", "status_id"): _progressing("pallet", 90, 50, 10),
    ("ib_shipment", "status_id"): _progressing("ib_shipment", 90, 20, 0),
    ("purchase_order_hdr", "status_id"): _progressing("purchase_order_hdr", 90, 20, 0),
    ("work_order_hdr", "status_id"): _progressing("work_order_hdr", 90, 50, 0),
    ("container", "type"): _container_type,
    ("container", "status_id"): _container_status,
    ("inventory_history", "history_activity_id"): _activity,
    ("inventory_history", "item_code"): _key("inventory_history", "item_id", "item"),
    ("inventory_history", "order_nbr"): _key("inventory_history", "order_id", "order_hdr"),
    ("inventory_history", "shipment_nbr"): _key(
        "inventory_history", "ib_shipment_id", "ib_shipment"
    ),
}

# What rows that come into being later start with.
BIRTH: dict[str, dict[str, object]] = {
    "order_hdr": {"status_id": 0},
    "order_dtl": {"status_id": 0, "alloc_qty": Decimal(0)},
    "allocation": {"status_id": 10, "packed_qty": Decimal(0), "picked_ts": None, "pick_user": ""},
    "wave": {"status_id": 10},
    "task": {"status_id": 10},
    "load": {"status_id": 0},
    "ob_stop": {"status_id": 10},
    "pallet": {"status_id": 10},
    "ib_shipment": {"status_id": 0},
    "purchase_order_hdr": {"status_id": 0},
    "work_order_hdr": {"status_id": 0},
}
