"""What seeded values look like, as tables: sizes, first ids, keys, patterns, words, edge cases."""

from decimal import Decimal

DEFAULT_ROWS: dict[str, int] = {
    "company": 3,
    "facility": 8,
    "item": 400,
    "item_facility": 100,
    "item_barcode": 200,
    "location": 300,
    "inventory": 1500,
    "inventory_attribute": 40,
    "batch_number": 60,
    "container": 200,
    "ib_shipment": 30,
    "ib_shipment_dtl": 90,
    "purchase_order_hdr": 30,
    "purchase_order_dtl": 90,
    "order_hdr": 600,
    "order_dtl": 3000,
    "allocation": 5000,
    "task": 150,
    "wave": 40,
    "load": 30,
    "ob_stop": 60,
    "ob_stop_dtl": 120,
    "pallet": 40,
    "inventory_history": 200,
    "work_order_hdr": 10,
    "work_order_kit": 20,
    "work_order_component": 40,
    "movement_request_hdr": 0,
    "movement_request_dtl": 0,
    "cc_adjustment_hdr": 20,
    "cc_adjustment_dtl": 40,
    "inventory_lock": 6,
    "order_lock": 4,
    "container_lock_xref": 15,
    "uom": 6,
    "order_type": 4,
    "user": 10,
    "lgf_async_task": 5,
    "rf_key_map": 25,
}

FIRST_ID: dict[str, int] = {
    "company": 1,
    "facility": 1,
    "uom": 1,
    "order_type": 1,
    "user": 1,
    "item": 512_000,
    "location": 204_000,
    "wave": 5_100_000,
    "task": 9_900_000,
    "order_hdr": 1_900_000,
    "inventory": 41_000_000,
    "allocation": 48_000_000,
    "order_dtl": 316_000_000,
}

# The natural key that relations show, by the fields whose values it joins with commas.
KEYS: dict[str, tuple[str, ...]] = {
    "company": ("code",),
    "facility": ("code",),
    "item": ("code",),
    "location": ("barcode",),
    "batch_number": ("batch_nbr",),
    "container": ("container_nbr",),
    "ib_shipment": ("shipment_nbr",),
    "purchase_order_hdr": ("po_nbr",),
    "purchase_order_dtl": ("purchase_order_id", "host_seq_nbr"),
    "order_hdr": ("order_nbr",),
    "order_dtl": ("order_id", "seq_nbr"),
    "task": ("task_nbr",),
    "wave": ("run_nbr",),
    "load": ("load_nbr",),
    "ob_stop": ("load_id", "seq_nbr"),
    "pallet": ("pallet_nbr",),
    "work_order_hdr": ("work_order_nbr",),
    "work_order_kit": ("work_order_id", "seq_nbr"),
    "movement_request_hdr": ("movement_req_nbr",),
    "inventory_lock": ("lock_code",),
    "order_lock": ("lock_code",),
    "uom": ("uom_code",),
    "order_type": ("order_type",),
}

# Text made from the row's ordinal; what must be unique or readable.
PATTERNS: dict[tuple[str, str], str] = {
    ("company", "code"): "C{i:02d}",
    ("company", "name"): "Company {i:02d} Ltda",
    ("facility", "code"): "F{i:03d}",
    ("facility", "name"): "Warehouse {i:03d}",
    ("item", "code"): "SKU-{i:06d}",
    ("item", "item_alternate_code"): "ALT-{i:06d}",
    ("item", "barcode"): "{i:013d}",
    ("item_barcode", "barcode"): "{i:014d}",
    ("location", "barcode"): "LOC-{i:06d}",
    ("location", "locn_str"): "A-{i:06d}-01",
    ("batch_number", "batch_nbr"): "B{i:06d}",
    ("container", "container_nbr"): "LPN{i:09d}",
    ("ib_shipment", "shipment_nbr"): "ASN{i:07d}",
    ("purchase_order_hdr", "po_nbr"): "PO{i:07d}",
    ("order_hdr", "order_nbr"): "ORD{i:08d}",
    ("task", "task_nbr"): "T{i:08d}",
    ("wave", "run_nbr"): "W-{i:06d}",
    ("load", "load_nbr"): "LD{i:07d}",
    ("pallet", "pallet_nbr"): "PL{i:07d}",
    ("work_order_hdr", "work_order_nbr"): "WO{i:06d}",
    ("movement_request_hdr", "movement_req_nbr"): "MR{i:06d}",
    ("inventory_lock", "lock_code"): "LK{i:02d}",
    ("order_lock", "lock_code"): "OL{i:02d}",
    ("uom", "uom_code"): "U{i:02d}",
    ("order_type", "order_type"): "TYPE{i:02d}",
    ("user", "alternate_user_name"): "user{i:03d}",
    ("rf_key_map", "key_code"): "CTRL-{i:02d}",
}

# Integers that follow from the ordinal, so that (parent, number) is unique.
SEQUENCES: frozenset[tuple[str, str]] = frozenset(
    {
        ("order_dtl", "seq_nbr"),
        ("ob_stop", "seq_nbr"),
        ("work_order_kit", "seq_nbr"),
        ("purchase_order_dtl", "host_seq_nbr"),
        ("ib_shipment_dtl", "host_seq_nbr"),
        ("inventory_history", "group_nbr"),
        ("inventory_history", "seq_nbr"),
        ("rf_key_map", "seq_nbr"),
    }
)

# Relations in which rows stand together, in order, under their parent.
NESTED: frozenset[tuple[str, str]] = frozenset(
    {
        ("order_dtl", "order_id"),
        ("allocation", "order_dtl_id"),
        ("allocation", "wave_id"),
        ("allocation", "task_id"),
        ("task", "wave_id"),
        ("ib_shipment_dtl", "ib_shipment_id"),
        ("purchase_order_dtl", "purchase_order_id"),
        ("ob_stop", "load_id"),
        ("ob_stop_dtl", "ob_stop_id"),
        ("work_order_kit", "work_order_id"),
        ("work_order_component", "work_order_kit_id"),
        ("cc_adjustment_dtl", "cc_adjustment_hdr_id"),
        ("item_barcode", "item_id"),
        ("container", "pallet_id"),
    }
)

# Rows that belong to a document's facility and company have them through it.
SITE: dict[str, str] = {
    "order_dtl": "order_hdr",
    "allocation": "order_dtl",
    "ib_shipment_dtl": "ib_shipment",
    "purchase_order_dtl": "purchase_order_hdr",
    "ob_stop": "load",
    "ob_stop_dtl": "ob_stop",
    "work_order_kit": "work_order_hdr",
    "work_order_component": "work_order_kit",
    "cc_adjustment_dtl": "cc_adjustment_hdr",
    "movement_request_dtl": "movement_request_hdr",
}
# Relations to these lead to rows of the same facility, to items of the same company.
SAME_FACILITY = frozenset(
    {"location", "inventory", "container", "wave", "task", "load", "pallet", "ib_shipment",
     "purchase_order_hdr", "order_hdr", "batch_number", "inventory_attribute"}
)  # fmt: skip
SAME_COMPANY = frozenset({"item"})

USERS = ("svc_wave", "svc_integration", "m.souza", "j.müller", "ops_night", "")
CITIES = ("São Paulo", "Curitiba", "Zürich", "Łódź", "Montréal", "東京", "Austin", "Köln")
STATES = ("SP", "PR", "ZH", "QC", "TX", "")
COUNTRIES = ("BR", "CH", "PL", "CA", "JP", "US", "DE")
WORDS = (
    "Parafuso sextavado",
    "Steel bracket",
    "Größe L, blau",
    "Café torrado",
    "Ωmega cable 5 m",
    "箱入り部品",
    'Label "fragile"',
    "Back\\slash, comma",
    "Plain",
    "Ünïcode 🚚",
)
CHOICES: dict[tuple[str, str], tuple[tuple[str, str], ...]] = {
    ("container", "type"): (("I", "Inbound"), ("O", "Outbound")),
    ("load", "type"): (("I", "Inbound"), ("O", "Outbound")),
}
MHE_IDS = 20  # ids of relations whose target is not served

# Rows that hold what breaks careless code; by entity and ordinal, where the entity is large enough.
EDGES: dict[tuple[str, int], dict[str, object]] = {
    ("item", 3): {"description": "Bolt M8\x00hexagonal"},
    ("item", 4): {"description": "ç" * 255, "short_descr": "漢" * 30},
    ("item", 5): {"unit_cost": Decimal("9" * 28 + "." + "9" * 10)},
    ("item", 6): {"unit_weight": Decimal("0.0000000001"), "description": " leading and trailing "},
    ("order_hdr", 3): {"cust_field_1": "é" * 1000, "gift_msg": "🎁" * 255},
    ("order_hdr", 4): {"cust_decimal_1": Decimal("-" + "9" * 28 + "." + "9" * 10)},
    ("order_hdr", 5): {"cust_long_text_1": "line one\nline two\ttab \r\n\u2028end"},
    ("order_dtl", 3): {"cust_decimal_2": Decimal("1" + "0" * 27)},
    ("allocation", 3): {"alloc_qty": Decimal("1234567890123456789012345678.0123456789")},
    ("allocation", 4): {"alloc_qty": Decimal("-0.5"), "pick_user": "x" * 30},
    ("location", 3): {"max_units": Decimal(9999999)},
}

# Columns that an update moves, by entity; others fall back on their plain numbers and texts.
UPDATED: dict[str, tuple[str, ...]] = {
    "allocation": ("packed_qty", "status_id", "pick_user", "picked_ts", "to_inventory_id"),
    "order_hdr": ("status_id", "priority", "ref_nbr", "cust_field_1"),
    "order_dtl": ("alloc_qty", "status_id", "cust_decimal_1"),
    "inventory": ("curr_qty", "status_id", "location_id"),
    "item": ("unit_cost", "description_2", "hazmat"),
    "location": ("in_transit_units", "last_count_ts", "last_count_user", "item_id"),
    "facility": ("contact", "priority"),
    "wave": ("status_id", "message_text"),
}
