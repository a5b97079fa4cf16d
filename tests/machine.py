"""What a machine says of itself is not the tests' affair: they and all they start run the same everywhere."""

import os
import resource
import time

KEPT = {"PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "CI", "CONTENTION_ROUNDS"}
KEPT_BEGINNINGS = ("PYTEST_", "PLAYWRIGHT_")
# A zone that is not UTC and needs no zone file: what is reckoned in local time by mistake is nine hours off.
OURS = {"LANG": "C.UTF-8", "TZ": "KST-9"}
DESCRIPTORS = 4096


def leave_the_machine() -> None:
    """Forget proxies, locale, time zone, addresses of databases and whatever else the environment would decide.

    Open files are allowed as far as the system lets us, whatever the shell's own limit is.
    """
    for name in list(os.environ):
        if name not in KEPT and not name.startswith(KEPT_BEGINNINGS):
            del os.environ[name]
    os.environ.update(OURS)
    time.tzset()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < DESCRIPTORS:
        most = DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
