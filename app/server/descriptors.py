"""How many connections a worker can hold: each takes one of the descriptors that the system grants a process."""

import resource

from app.server.connections.lane import PLACES

MOST = 65536
"""More than this is of no use, and costs whatever goes through all of them."""
OTHERS = 64 + PLACES
"""Of its own: code and templates, logs, locks, Redis, mail, what is told to applications and asked of providers."""
OF_A_THREAD = 6
"""A database's connection, three files with SQLite, and a file that is sent."""


def raise_limit() -> int:
    """Take what the system grants for the asking; how many descriptors this process, and those it forks, may open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        return most
    return most if soft == resource.RLIM_INFINITY else soft


def room(descriptors: int, threads: int) -> int:
    """For how many connections there is room beside what a worker opens for itself; a few there always are."""
    return max(descriptors - OTHERS - OF_A_THREAD * threads, 16)
