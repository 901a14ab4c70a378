"""Bytes and values: the primitives that every message is made of.

Pure functions only; no message and no state lives here.
"""
