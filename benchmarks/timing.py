"""Whether the time of an answer tells that an account exists: ``python -m benchmarks.timing`` (``--tries 200``).

Asks a portal under gunicorn for accounts that exist, that were disabled and that do not exist, in random order, and
compares the times of their answers. The second account that exists is the yardstick: it shows what noise looks like.
``chance`` is how often an answer for this kind took longer than one for the first account, ties counting half: 50 %
tells nothing (the Mann-Whitney statistic divided by the number of pairs), and what lies within the range of ``noise``
(two standard deviations for so many tries) cannot be told from it.
"""

import argparse
import json
import math
import random
import re
import statistics
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from urllib.parse import urlencode

from benchmarks.bench import portal_on
from benchmarks.load import Connection
from tests.portal import Portal

PASSWORD = "violet lantern 72 harbour"  # noqa: S105
KINDS = {
    "exists": "first@example.com",
    "exists (yardstick)": "second@example.com",
    "disabled": "disabled@example.com",
    "does not exist": "nobody@example.com",
}
Ask = Callable[[str], int]


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tries", type=int, default=200, help="of each kind of account on each page")
    parser.add_argument("--store", choices=("sqlite", "postgresql"), default="sqlite")
    arguments = parser.parse_args()
    noise = 200 * math.sqrt((2 * arguments.tries + 1) / (12 * arguments.tries**2))
    print(f"{'':18}{'':20}{'median ms':>10}{'p90 ms':>9}{'difference':>12}{'chance':>9}   noise ±{noise:.1f} %")
    with portal_on(arguments.store) as portal:
        for email in list(KINDS.values())[:3]:
            portal.flask("users", "create", email, "--password", PASSWORD)
        portal.flask("users", "disable", KINDS["disabled"])
        for name, path, fields, status in (
            ("login page", "/login", {"password": "wrong"}, 401),
            ("forgot-password", "/forgot-password", {}, 303),
            ("API login", "", {}, 401),
        ):
            ask = form_of(portal, path, fields) if path else api_login(portal)
            _print(name, measure(ask, status, arguments.tries))


def measure(ask: Ask, status: int, tries: int) -> dict[str, list[float]]:
    """Milliseconds of each kind's answers, all kinds in turn and in random order; every answer must be the same."""
    times: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for attempt in range(tries + 5):
        for kind in random.sample(list(KINDS), len(KINDS)):
            began = time.perf_counter()
            answered = ask(KINDS[kind])
            spent = (time.perf_counter() - began) * 1000
            assert answered == status, (kind, answered)
            if attempt >= 5:
                times[kind].append(spent)
    return times


def form_of(portal: Portal, path: str, fields: dict[str, str]) -> Ask:
    """Sends a page's form, each time as the same browser."""
    connection = Connection(portal.port)
    status, headers, body = connection.ask(f"GET {path} HTTP/1.1\r\nHost: localhost:{portal.port}\r\n\r\n".encode())
    found = re.search(rb'name="csrf_token"[^>]*value="([^"]+)"', body)
    assert (status, bool(found)) == (200, True)
    cookie, token = headers["set-cookie"].partition(";")[0], found[1].decode() if found else ""

    def ask(email: str) -> int:
        form = urlencode({"csrf_token": token, "email": email, **fields})
        return _post(connection, portal, path, "application/x-www-form-urlencoded", form, f"Cookie: {cookie}\r\n")

    return ask


def api_login(portal: Portal) -> Ask:
    """Asks the API."""
    connection = Connection(portal.port)

    def ask(email: str) -> int:
        body = json.dumps({"email": email, "password": "wrong"})
        return _post(connection, portal, "/api/v1/auth/login", "application/json", body, "")

    return ask


def chance(first: list[float], other: list[float]) -> float:
    """How often one of ``other`` is larger than one of ``first``, in per cent; ties count half."""
    ranked = sorted(first)
    larger = sum(bisect_left(ranked, each) + bisect_right(ranked, each) for each in other)
    return 100 * larger / (2 * len(first) * len(other))


def _post(connection: Connection, portal: Portal, path: str, kind: str, body: str, headers: str) -> int:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost:{portal.port}\r\nContent-Type: {kind}\r\n{headers}"
    return connection.ask(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())[0]


def _print(name: str, times: dict[str, list[float]]) -> None:
    first = times["exists"]
    for kind, spent in times.items():
        middle, slow = statistics.median(spent), statistics.quantiles(spent, n=10)[-1]
        row = f"{middle:10.2f}{slow:9.2f}{middle - statistics.median(first):+12.2f}{chance(first, spent):8.1f} %"
        print(f"{name:18}{kind:20}{row}", flush=True)
        name = ""


if __name__ == "__main__":
    main()
