"""Reproducible pseudo-random 64-bit numbers from integers and names. Pure, no state."""

from hashlib import blake2b

MASK = (1 << 64) - 1


def name_number(*parts: object) -> int:
    """A 64-bit number that stands for these names, the same in every process."""
    digest = blake2b(repr(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def mix(value: int) -> int:
    """Spread the bits of a 64-bit integer (the SplitMix64 finaliser)."""
    value &= MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
    return value ^ (value >> 31)
