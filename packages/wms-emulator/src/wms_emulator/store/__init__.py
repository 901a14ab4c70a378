"""Rows and their journal in SQLite.

Per entity two tables. `<entity>` holds the rows as they are now: typed columns to filter and sort
by, and `seq`, the version that is current. `<entity>$journal` is append-only: every version of
every row as the JSON text of its record (None: deleted) with the instant it became visible. Record
text is stored once, in the journal; a page joins it from there. Timestamps are integers
(microseconds), decimals 18 bytes that compare like numbers (see records.py).
"""
