"""State and catalog from files: whatever they hold is taken, or refused in words."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from singer_sdk.singerlib import Catalog

from flext_tap_oracle_wms import inputs
from flext_tap_oracle_wms.bookmarks import State
from flext_tap_oracle_wms.errors import CatalogError, StateError

leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


def some(**known):
    """Objects that may have the known keys, each as it should be or as anything."""
    return st.fixed_dictionaries({}, optional={k: v | values for k, v in known.items()})


names = st.text(max_size=5)
metadata = some(breadcrumb=st.lists(names, max_size=2), metadata=some(selected=st.booleans()))
entries = some(
    tap_stream_id=names,
    schema=some(properties=st.dictionaries(names, some(type=names), max_size=2)),
    metadata=st.lists(metadata, max_size=2),
    key_properties=st.lists(names, max_size=2),
)
catalogs = some(streams=st.lists(entries | values, max_size=3)) | values
states = some(bookmarks=st.dictionaries(names, some() | values, max_size=3), type=names) | values


ENTRY = {"tap_stream_id": "item"}


def taken(read, text):
    """What is taken from a file with that text, or what is said against it."""
    file = io.StringIO(text)
    file.name = "x.json"
    try:
        return read(file), ""
    except (StateError, CatalogError) as error:
        return None, str(error)


@given(catalogs)
def test_what_is_taken_as_a_catalog_is_one_for_the_sdk(value):
    found, told = taken(inputs.catalog, json.dumps(value))
    if told:
        assert told.startswith("--catalog x.json: ")
        assert told.endswith("; make it anew with --discover")
        return
    assert found == value
    assert set(Catalog.from_dict(found)) == {item["tap_stream_id"] for item in value["streams"]}


@given(states)
def test_what_is_taken_as_a_state_is_one_for_the_tap(value):
    found, told = taken(inputs.state, json.dumps(value))
    if told:
        assert told.startswith("--state x.json: ")
        assert "leave --state out" in told
        return
    assert State(found).value() == found == value


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"bookmarks": {"item": []}}, "must map each stream to an object"),
        ({"bookmarks": []}, "must map each stream to an object"),
        ({"type": "STATE", "value": {"bookmarks": {}}}, "is a whole message"),
        ([], "must hold a JSON object"),
    ],
)
def test_what_is_no_state_is_said(value, told):
    assert told in taken(inputs.state, json.dumps(value))[1]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"streams": {}}, "a list named streams"),
        ({}, "a list named streams"),
        ({"streams": [5]}, "streams[0] must be an object"),
        ({"streams": [ENTRY, {"stream": "item"}]}, "streams[1] must have a tap_stream_id"),
        ({"streams": [{**ENTRY, "schema": {"properties": {"id": 5}}}]}, "properties are objects"),
        ({"streams": [{**ENTRY, "metadata": [{"breadcrumb": "x"}]}]}, "must have metadata"),
        ({"streams": [{**ENTRY, "key_properties": "id"}]}, "key_properties as a list"),
    ],
)
def test_what_is_no_catalog_is_said(value, told):
    assert told in taken(inputs.catalog, json.dumps(value))[1]


@pytest.mark.parametrize("read", [inputs.state, inputs.catalog])
def test_bytes_that_are_no_text_are_refused(read, tmp_path):
    path = tmp_path / "x.json"
    path.write_bytes(b'{"a": "\xff"}')
    with (
        path.open(encoding="utf-8") as file,
        pytest.raises((StateError, CatalogError), match="is not JSON in UTF-8"),
    ):
        read(file)


@given(st.text(max_size=20))
def test_any_text_is_taken_or_refused_without_being_shown(text):
    for read in (inputs.state, inputs.catalog):
        found, told = taken(read, text)
        if told:
            assert len(text) < 3 or text not in told
        else:
            assert found == json.loads(text)
