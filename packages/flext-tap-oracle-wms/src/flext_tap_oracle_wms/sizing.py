"""How many rows a page is asked for: what the settings say, less while the WMS cannot keep up.

Shared by all readers of one list. No request is made here.
"""

from __future__ import annotations

import threading

#: Failures that a smaller page may mend.
SHRINKING = frozenset({"http_502", "http_503", "http_504", "timeout"})
#: Good pages in a row before the size grows by a quarter.
_GROW_AFTER = 4


def smaller(size: int) -> int:
    """Return the size after a failure: half, at least 1."""
    return max(1, size // 2)


def larger(size: int, ceiling: int) -> int:
    """Return the size after several good pages: a quarter more, at most the ceiling."""
    return min(ceiling, size + max(1, size // 4))


class PageSize:
    """The present page size of one list; safe under threads."""

    def __init__(self, ceiling: int) -> None:
        self.ceiling = ceiling
        self._size = ceiling
        self._good = 0
        self._lock = threading.Lock()

    @property
    def value(self) -> int:
        """Rows to ask for now."""
        with self._lock:
            return self._size

    def shrink(self, failed: int) -> bool:
        """Halve the size after a page of `failed` rows failed; whether it is less than that.

        Pages that were asked for before another one's failure do not halve it again.
        """
        with self._lock:
            if failed <= self._size:
                self._size = smaller(failed)
                self._good = 0
            return self._size < failed

    def succeed(self, size: int) -> None:
        """Count a page of that many rows; grow back slowly."""
        with self._lock:
            if size < self._size:
                return
            self._good += 1
            if self._good >= _GROW_AFTER and self._size < self.ceiling:
                self._size = larger(self._size, self.ceiling)
                self._good = 0
