"""The Singer SDK's standard target tests as they are, and after each the rows that arrived."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from singer_sdk.testing import get_target_test_class

from flext_target_oracle.target import TargetOracle

# The SDK wants the configuration when the class is made; the account is known when a test begins.
_CONFIG: dict[str, Any] = {}
_Suite = get_target_test_class(TargetOracle, config=_CONFIG)

_STRINGS = [
    "simple string 2837", "απλή συμβολοσειρά", "简单的字串", "chaîne simple", 'quoted "string"',
    'various " \\ / \n escape sequences', "m", "ā", "ƙ", "Double quoting: \\u0000 \\u0041 \\u0001",
    "Control Characters in string: \u0000 A \u0001",
]  # fmt: skip
_JSON_COLUMNS = {"FRUITS", "INFO", "STRINGS", "D", "OBJECT_STORE"}

#: Test, and what its tables hold afterwards: columns, then rows (JSON columns parsed).
EXPECTED: dict[str, list[tuple[str, str, list[tuple[Any, ...]]]]] = {
    "array_data": [
        ("TEST_ARRAY_DATA", "ID FRUITS", [
            (1, ["apple", "orange", "pear"]), (2, ["banana", "apple"]), (3, ["pear"]),
            (4, ["orange", "banana", "apple", "pear"]),
        ]),
    ],
    "camelcase": [
        ("TESTCAMELCASE", "ID CLIENTNAME", [
            ("1", "Gitter Windows Desktop App"), ("2", "Gitter iOS App"),
        ]),
    ],
    "camelcase_complex_schema": [
        ("FORECASTINGTYPETOCATEGORY", "ID AGE _ATTRIBUTE_STARTSWITH_UNDERSCORE", []),
    ],
    "duplicate_records": [("TEST_DUPLICATE_RECORDS", "ID METRIC", [(1, 100), (2, 20)])],
    "encoded_string_data": [
        ("TEST_STRINGS", "ID INFO", [(n, text) for n, text in enumerate(_STRINGS, 1)]),
    ],
    "invalid_schema": [],
    "no_primary_keys": [("TEST_NO_PK", "ID METRIC", [(1, 11), (2, 22), (3, 33)])],
    "optional_attributes": [
        ("TEST_OPTIONAL_ATTRIBUTES", "ID OPTIONAL", [
            (1, "This is optional"), (2, None), (3, "Also optional"), (4, None),
        ]),
    ],
    "pk_updates": [
        ("EXAMPLE_STREAM", "ID NAME EMAIL", [
            (1, "Alice", "alice@example.com"), (2, "Bob", "bob@example.com"),
        ]),
    ],
    "record_before_schema": [],
    "record_missing_fields": [
        ("RECORD_MISSING_FIELDS", "ID OPTIONAL", [(1, "now you see me"), (2, None)]),
    ],
    "record_missing_key_property": [("TEST_RECORD_MISSING_KEY_PROPERTY", "ID METRIC", [])],
    "schema_no_properties": [
        ("TEST_OBJECT_SCHEMA_WITH_PROPERTIES", "OBJECT_STORE", [
            ({"id": 1, "metric": 187},), ({"id": 2, "metric": 203},),
        ]),
        ("TEST_OBJECT_SCHEMA_NO_PROPERTIES", "OBJECT_STORE", [
            ({"id": 1, "metric": 1},), ({"id": 2, "metric": 2},),
        ]),
    ],
    "schema_updates": [
        ("TEST_SCHEMA_UPDATES", "ID A1 A2 A3 A6", [
            (1, 101, "string1", None, None), (2, 102, "string2", 1, None),
            (3, 103, "string3", 0, None), (4, 104, "string4", 1, None),
            (5, 105, "string5", 0, 985), (6, 106, "string6", 1, 341),
        ]),
    ],
    "special_chars_in_attributes": [
        ("TEST:SPECIALCHARS!IN?ATTRIBUTES", "_ID D", [
            ("a2e98886", {"env": "prod", "agent:type": "desktop", "agent:os:version": "10.13.1"}),
        ]),
    ],
}  # fmt: skip


class TestStandardTarget(_Suite):  # type: ignore[misc, valid-type]  # made by the SDK
    """All tests of the SDK, each with its rows."""

    @pytest.fixture(autouse=True)
    def _rows(self, target: Any, request: pytest.FixtureRequest) -> Iterator[None]:
        _CONFIG.clear()
        _CONFIG.update(target.account.settings())
        yield
        name = request.node.name.removeprefix("test_target_")
        if name != "cli_prints":
            assert_rows(target, EXPECTED[name])


def assert_rows(target: Any, tables: list[tuple[str, str, list[tuple[Any, ...]]]]) -> None:
    for table, names, expected in tables:
        columns = names.split()
        found = target.table(table, *columns, order='"_SDC_RECEIVED_AT"')
        parsed = [
            tuple(
                json.loads(value) if column in _JSON_COLUMNS and _is_json(value) else value
                for column, value in zip(columns, row, strict=True)
            )
            for row in found
        ]
        assert sorted(parsed, key=repr) == sorted(expected, key=repr)


def _is_json(value: Any) -> bool:
    return isinstance(value, str) and value[:1] in "{["


def test_every_standard_test_is_expected() -> None:
    tests = {name.removeprefix("test_target_") for name in dir(_Suite) if name.startswith("test_")}
    assert tests - {"cli_prints"} == set(EXPECTED)
