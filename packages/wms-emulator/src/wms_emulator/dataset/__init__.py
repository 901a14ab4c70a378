"""Seeded rows as a pure function of (seed, sizes, entity, ordinal): any row without its neighbours.

Relations agree because a row computes its parent's ordinal, and any ordinal has an id and a key.
Nothing here knows SQL, HTTP or the clock.
"""
