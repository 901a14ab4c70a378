"""What an account may see: rows of its facilities and companies, as one more SQL condition.

The real API leaves other rows out without a word, so absence proves nothing.
"""

from collections.abc import Mapping

from wms_emulator.query.filters import Condition
from wms_emulator.query.paths import resolve
from wms_emulator.schema.model import Entity

# The relation through which rows without a facility of their own belong to one.
_THROUGH = {
    "order_dtl": "order_id",
    "allocation": "order_dtl_id",
    "ib_shipment_dtl": "ib_shipment_id",
    "purchase_order_dtl": "purchase_order_id",
    "ob_stop": "load_id",
    "ob_stop_dtl": "ob_stop_id",
    "work_order_kit": "work_order_id",
    "work_order_component": "work_order_kit_id",
    "cc_adjustment_dtl": "cc_adjustment_hdr_id",
    "movement_request_dtl": "movement_req_id",
    "item_barcode": "item_id",
    "container_lock_xref": "container_id",
}


def _path(entities: Mapping[str, Entity], entity: Entity, kind: str) -> list[str] | None:
    """The path from a row to its facility or company; None where it has none."""
    if entity.name == kind:
        return ["id"]
    if f"{kind}_id" in entity.by_name:
        return [f"{kind}_id"]
    through = _THROUGH.get(entity.name)
    if through is None:
        return None
    rest = _path(entities, entities[entity.by_name[through].target], kind)
    return None if rest is None else [through, *rest]


def eligible(
    entities: Mapping[str, Entity],
    entity: Entity,
    facilities: frozenset[str] | None,
    companies: frozenset[str] | None,
) -> Condition:
    """The condition that leaves rows of other facilities and companies out; None allows all."""
    parts: list[str] = []
    parameters: list[object] = []
    for kind, codes in (("facility", facilities), ("company", companies)):
        path = None if codes is None else _path(entities, entity, kind)
        if codes is None or path is None:
            continue
        sql = resolve(entities, entity, path, kind)[0].sql
        marks = ", ".join("?" * len(codes))
        parts.append(
            f'({sql} IS NULL OR {sql} IN (SELECT e.id FROM "{kind}" e WHERE e.code IN ({marks})))'
        )
        parameters += sorted(codes)
    return Condition(" AND ".join(parts), tuple(parameters))
