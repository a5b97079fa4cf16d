"""Time as the tests decide it."""

from datetime import UTC, datetime, timedelta


class Clock:
    """The portal's clock in tests: stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **duration: float) -> None:
        """Move on by a ``timedelta``'s arguments: ``clock.advance(minutes=5)``."""
        self.now += timedelta(**duration)
