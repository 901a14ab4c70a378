"""Times as people read them. Pure."""

from __future__ import annotations


def text(seconds: float) -> str:
    """A time in the two units that matter."""
    if 0 < seconds < 1:
        return "under 1 s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
