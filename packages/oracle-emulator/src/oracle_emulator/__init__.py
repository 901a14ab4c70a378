"""Oracle Net (TNS/TTC) over an embedded PostgreSQL: the real driver connects to it."""
