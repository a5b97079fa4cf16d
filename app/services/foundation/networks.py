"""When two addresses count as the same network."""

import ipaddress


def is_same_network(first: str, second: str) -> bool:
    """Whether two addresses share a /24 (IPv4) or a /56 (IPv6), as a household or an office usually does."""
    if first == second:
        return True
    try:
        one, other = ipaddress.ip_address(first), ipaddress.ip_address(second)
    except ValueError:
        return False
    length = 24 if one.version == 4 else 56
    return one.version == other.version and other in ipaddress.ip_network(f"{one}/{length}", strict=False)
