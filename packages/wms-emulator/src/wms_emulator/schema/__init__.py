"""Entity definitions as data: entities.txt and lookups.txt, read once into frozen dataclasses.

Nothing here knows rows, SQL or HTTP.
"""
