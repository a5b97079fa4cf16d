"""What a store tells of a hit that it counted."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hit:
    """One hit: the how many-th it was, and what only the store that counted it can read: which one that is, and when.

    ``window`` tells the count's window from those before and after it.
    """

    number: int
    window: float
    store: object
