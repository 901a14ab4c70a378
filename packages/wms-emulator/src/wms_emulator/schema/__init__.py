"""Entities as data: entities.txt, lookups.txt and names.txt, read once into dataclasses.

Nothing here knows rows, SQL or HTTP.
"""
