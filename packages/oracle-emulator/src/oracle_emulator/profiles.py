"""The servers that can be played: what each announces, as data."""

from __future__ import annotations

from dataclasses import dataclass

_FAST_AUTH = 0x1000_0000
_END_OF_RESPONSE = 0x0200_0000


@dataclass(frozen=True, slots=True)
class Profile:
    """What a server announces of itself."""

    name: str
    field_version: int  # of TTC: which fields a message has
    protocol_version: int  # of TNS
    accept_flags: int
    release: tuple[int, int, int, int, int]

    @property
    def end_of_response(self) -> bool:
        """Tell whether responses carry an end mark, which pipelining needs."""
        return bool(self.accept_flags & _END_OF_RESPONSE)

    @property
    def release_number(self) -> int:
        """Return the release as a number in the layout that clients of 18c and later read."""
        major, minor, patch, fourth, fifth = self.release
        return major << 24 | minor << 16 | patch << 12 | fourth << 4 | fifth

    @property
    def banner(self) -> str:
        """Return what the server calls itself in the protocol negotiation."""
        return "x86_64/Linux 2.4.xx"


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("19c", 13, 318, 0, (19, 0, 0, 0, 0)),
        Profile("23ai", 24, 319, _FAST_AUTH | _END_OF_RESPONSE, (23, 0, 0, 0, 0)),
    )
}
DEFAULT_PROFILE = "19c"
