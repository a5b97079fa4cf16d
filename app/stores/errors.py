"""What a store may answer besides values. A module of its own, so that the adapters and the package can share it."""


class StoreUnavailable(Exception):
    """The store did not answer in time or cannot write. The reason is in ``__cause__``, nothing secret in the text."""


def checked_ttl(ttl: int) -> int:
    """The time to live in seconds, or ``ValueError`` when an entry would never be seen."""
    if ttl < 1:
        raise ValueError(f"A time to live is at least one second, not {ttl}.")
    return ttl
