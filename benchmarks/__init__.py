"""Benchmarks: figures beside a baseline in the same run, with floors that fail.

Not a place for tests or product code.
"""
