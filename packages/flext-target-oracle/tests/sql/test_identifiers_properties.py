"""Names: quoting, length, stability and collisions, for any Singer name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flext_target_oracle.errors import SchemaRefusedError
from flext_target_oracle.sql.identifiers import column_names, identifier, quoted

NAMES = st.text(min_size=1, max_size=200).filter(lambda name: name != "\0")


@given(NAMES, st.sampled_from([30, 128]))
def test_any_name_becomes_an_identifier_within_the_limit(name: str, limit: int) -> None:
    made = identifier(name, max_bytes=limit)
    assert len(made.encode()) <= limit
    assert quoted(made) == f'"{made}"'
    assert '"' not in made
    assert "\0" not in made
    assert made == identifier(name, max_bytes=limit)


@given(NAMES)
def test_an_identifier_is_its_own_identifier(name: str) -> None:
    assert identifier(identifier(name)) == identifier(name)


@given(st.lists(NAMES, unique=True, max_size=6))
def test_two_properties_never_share_a_column_silently(props: list[str]) -> None:
    wanted = [identifier(prop) for prop in props]
    if len(set(wanted)) == len(props):
        assert list(column_names(props, stream="s").values()) == wanted
    else:
        with pytest.raises(SchemaRefusedError, match="are both column"):
            column_names(props, stream="s")


def test_long_names_that_differ_at_the_end_stay_two() -> None:
    assert identifier("a" * 200) != identifier("a" * 201)


def test_a_collision_names_both_properties() -> None:
    with pytest.raises(SchemaRefusedError, match="'Id' and 'ID'"):
        column_names(["Id", "ID"], stream="s")


@pytest.mark.parametrize("name", ["", 'a"b', "a\0b"])
def test_what_cannot_be_quoted_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not an Oracle identifier"):
        quoted(name)
