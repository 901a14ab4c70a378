"""Any JSON as the schema of a property is read, or refused by name."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flext_target_oracle.errors import InputError
from flext_target_oracle.sql import schemas, types

KEYWORDS = ["type", "format", "maxLength", "anyOf", "oneOf", "properties"]
NAMES = ["string", "integer", "null", "object", "date-time", "what"]
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(NAMES)
ANY = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYWORDS), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(ANY, st.integers(0, 2))
def test_what_is_not_refused_has_a_type(schema: Any, text_keys: int) -> None:
    try:
        found = schemas.checked("s", {"p": schema})["p"]
    except InputError as error:
        refusal = str(error)
        found = None
    if found is None:
        assert refusal.startswith("the schema of stream s, property 'p': ")
    else:
        shape = types.shape_of(found)
        assert types.wanted_type(shape, found, text_keys=text_keys).ddl()


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        (False, "neither an object nor true"),
        ("string", "neither an object nor true"),
        ({"type": 5}, "`type`"),
        ({"type": ["string", 5]}, "`type`"),
        ({"maxLength": "long"}, "`maxLength`"),
        ({"maxLength": True}, "`maxLength`"),
        ({"maxLength": -1}, "`maxLength`"),
        ({"anyOf": {}}, "`anyOf`"),
        ({"oneOf": [{"type": {}}]}, "`type`"),
    ],
)
def test_what_cannot_be_read_is_named(schema: Any, said: str) -> None:
    with pytest.raises(InputError, match=f"property 'p': .*{said}"):
        schemas.checked("s", {"p": schema})


def test_true_says_nothing() -> None:
    assert schemas.checked("s", {"p": True, "q": {"anyOf": [True]}}) == {
        "p": {},
        "q": {"anyOf": [{}]},
    }
