"""TTC messages, one module each, decoding and encoding side by side.

No state, no socket, no SQL.
"""
