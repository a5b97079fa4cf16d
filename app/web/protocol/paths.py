"""Where the protocol answers: below two prefixes, the documented one and the one that older integrations use."""

PREFIXES = ("/api/oauth", "/oauth")


def within_protocol(path: str) -> str | None:
    """What follows the prefix in a path of the protocol (``token``, ``logout/confirm``); None for other paths."""
    for prefix in PREFIXES:
        if path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] == "/":
            return path[len(prefix) + 1 :]
    return None
