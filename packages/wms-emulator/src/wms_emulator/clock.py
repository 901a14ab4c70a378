"""The emulator's clock: real, moved, or standing still. Instants: microseconds since the epoch."""

import time
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def to_us(moment: datetime) -> int:
    """An aware datetime as microseconds since the epoch, exactly."""
    return (moment - EPOCH) // MICROSECOND


def from_us(instant_us: int) -> datetime:
    """Microseconds since the epoch as an aware datetime in UTC, exactly."""
    return EPOCH + timedelta(microseconds=instant_us)


class Clock:
    """What the emulator takes for the present; it never reads the time elsewhere."""

    def __init__(self) -> None:
        self._frozen_us: int | None = None
        self._shown_us = self._since_us = self._machine_us()
        self.speed = 1.0

    def _machine_us(self) -> int:
        return time.time_ns() // 1000

    def now_us(self) -> int:
        """The present in microseconds since the epoch."""
        if self._frozen_us is not None:
            return self._frozen_us
        return self._shown_us + round((self._machine_us() - self._since_us) * self.speed)

    def now(self) -> datetime:
        """The present as an aware datetime in UTC."""
        return from_us(self.now_us())

    def set(self, moment: datetime) -> None:
        """Stand still at this instant."""
        self._frozen_us = to_us(moment)

    def advance(self, seconds: float) -> None:
        """Move on by seconds: a standing clock stands further on, a running one runs ahead."""
        step_us = round(seconds * 1_000_000)
        if self._frozen_us is None:
            self._shown_us += step_us
        else:
            self._frozen_us += step_us

    def run(self, speed: float) -> None:
        """Go on from the present, `speed` seconds for each second of the machine's clock."""
        self._shown_us = self.now_us()
        self._since_us = self._machine_us()
        self._frozen_us = None
        self.speed = speed

    def real(self) -> None:
        """Follow the machine's clock again."""
        self._shown_us = self._since_us = self._machine_us()
        self._frozen_us = None
        self.speed = 1.0

    @property
    def stands(self) -> bool:
        """Whether it stands still."""
        return self._frozen_us is not None
