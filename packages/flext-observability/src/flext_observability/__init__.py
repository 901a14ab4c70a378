"""Typed events, structured logs on stderr, metrics and run records for FLEXT."""
