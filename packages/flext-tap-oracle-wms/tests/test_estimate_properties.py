"""The arithmetic of a first load: every row has a page, every page its time."""

from hypothesis import given
from hypothesis import strategies as st

from flext_tap_oracle_wms.estimate import Estimate


@given(
    rows=st.integers(0, 10**9),
    page_rows=st.integers(1, 1250),
    in_flight=st.integers(1, 8),
)
def test_pages_cover_all_rows_and_no_more(rows, page_rows, in_flight):
    found = Estimate(rows, page_rows, 2.0, in_flight)
    assert (
        found.pages - 1
    ) * page_rows < rows <= found.pages * page_rows or rows == found.pages == 0
    # The last turn of requests counts whole, however few it has.
    turns = found.seconds / 2.0
    assert (turns - 1) * in_flight < found.pages <= turns * in_flight or turns == found.pages == 0
