"""Oracle's SQL semantics over an embedded PostgreSQL. No protocol words here.

See `interface` for what the wire may use.
"""
