"""A quota that very many take of at once, over several workers: exactly what there is, and each key once.

And what pays for it: notices of the payment provider that come at once, in whatever order.
"""

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import requests
import sqlalchemy as sa

from app.models import AuditLog, Quota
from app.services.foundation.environment import NOBODY
from tests.databases import running_portal
from tests.flows.live_client import by_services
from tests.portal import Portal
from tests.services.plans.notices import PLANS, SECRET, STUDIO, body_of, notice, signature

AT_ONCE = 40
PATIENCE = 60
Answer = tuple[int, dict[str, Any]]


class Backend:
    """A service that takes for people, over connections that stay open: one of each thread."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal
        scope = ("--confidential", "--grant", "client_credentials", "--scope", "admin:users")
        made = json.loads(portal.flask("clients", "create", "jobs", *scope, "--json"))
        asked = {"grant_type": "client_credentials"}
        answer = requests.post(
            f"{portal.url}/api/oauth/token", data=asked, auth=("jobs", made["client_secret"]), timeout=PATIENCE
        )
        self._headers = {"Authorization": f"Bearer {answer.json()['access_token']}", "Content-Type": "application/json"}
        self._kept = threading.local()
        self._opened: list[http.client.HTTPConnection] = []

    def close(self) -> None:
        """Give the connections back."""
        for connection in self._opened:
            connection.close()
        self._opened.clear()

    def send(self, what: str, user_id: str, key: str | None = None, **body: Any) -> Answer:
        """Take or give back."""
        connection: http.client.HTTPConnection | None = getattr(self._kept, "connection", None)
        if connection is None:
            connection = http.client.HTTPConnection("127.0.0.1", self.portal.port, timeout=PATIENCE)
            self._kept.connection = connection
            self._opened.append(connection)
        headers = {**self._headers, **({"Idempotency-Key": key} if key else {})}
        connection.request("POST", f"/api/v1/quota/{what}", json.dumps({**body, "user_id": user_id}), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())

    def take(self, user_id: str, key: str | None = None, amount: int = 1) -> Answer:
        """Take an amount."""
        return self.send("consume", user_id, key, amount=amount)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def portal(request: pytest.FixtureRequest) -> Iterator[Portal]:
    """Three workers on each database."""
    databases = request.getfixturevalue(f"{'postgres' if request.param == 'postgresql' else 'sqlite'}_databases")
    billing = {"BILLING_WEBHOOK_SECRET": SECRET, "BILLING_PLANS": PLANS}
    with running_portal(databases, WEB_CONCURRENCY="3", **billing) as running:
        yield running


@pytest.fixture(scope="module")
def backend(portal: Portal) -> Iterator[Backend]:
    """A service of that portal."""
    service = Backend(portal)
    yield service
    service.close()


@pytest.fixture
def new_person(portal: Portal) -> Callable[[int], str]:
    """Makes somebody who may take so much in a month; answers the id."""

    def make(limit: int) -> str:
        def add(services: Any) -> str:
            email = f"{uuid4().hex}@example.com"
            user_id: str = services.accounts.register_without_password(
                email, "Somebody", "en", NOBODY, is_verified=True
            )
            services.overrides.add(user_id, monthly_limit=limit, reason="a test")
            return user_id

        return by_services(portal, add)

    return make


def at_once(backend: Backend, call: Callable[[int], Any], count: int) -> list[Any]:
    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(call, range(count)))
    finally:
        backend.close()


def used(portal: Portal, user_id: str) -> int:
    return int(by_services(portal, lambda services: services.quotas.read(user_id).used))


def test_of_a_thousand_at_once_exactly_as_many_succeed_as_there_is(
    portal: Portal, backend: Backend, new_person: Callable[[int], str]
) -> None:
    user_id = new_person(500)
    answers = at_once(backend, lambda _: backend.take(user_id), 1000)
    assert Counter(status for status, _ in answers) == {200: 500, 429: 500}
    # Each unit was given to one of them.
    assert sorted(body["used"] for status, body in answers if status == 200) == list(range(1, 501))
    assert {(body["used"], body["remaining"]) for status, body in answers if status == 429} == {(500, 0)}
    assert used(portal, user_id) == 500


def test_ten_keys_take_ten_times_however_often_they_come(
    portal: Portal, backend: Backend, new_person: Callable[[int], str]
) -> None:
    user_id = new_person(50)
    answers = at_once(backend, lambda number: (number % 10, *backend.take(user_id, f"job-{number % 10}", 3)), 120)
    assert {status for _, status, _ in answers} == {200}
    for key in range(10):
        assert len({json.dumps(body) for number, _, body in answers if number == key}) == 1
    assert sorted({body["used"] for _, _, body in answers}) == list(range(3, 31, 3))
    assert used(portal, user_id) == 30


def test_what_is_given_back_meanwhile_is_taken_again_and_no_more(
    portal: Portal, backend: Backend, new_person: Callable[[int], str]
) -> None:
    user_id = new_person(60)

    def work(number: int) -> tuple[int, int]:
        status, _ = backend.take(user_id, f"job-{number}")
        if status != 200 or number % 3:
            return status, 0
        # Two say that the job failed; it is given back once.
        given = [backend.send("release", user_id, f"job-{number}")[1]["released"] for _ in range(2)]
        return status, sum(given)

    done = at_once(backend, work, 150)
    taken, given = sum(status == 200 for status, _ in done), sum(back for _, back in done)
    assert {back for _, back in done} <= {0, 1}
    assert used(portal, user_id) == taken - given <= 60
    left = 60 - (taken - given)
    answers = at_once(backend, lambda _: backend.take(user_id)[0], left + 20)
    assert Counter(answers) == Counter({200: left, 429: 20})


def test_a_month_that_ends_meanwhile_gives_each_month_once(
    portal: Portal, backend: Backend, new_person: Callable[[int], str]
) -> None:
    user_id = new_person(70)
    backend.take(user_id)

    def end_soon(services: Any) -> datetime:
        resets_at: datetime = services.clock() + timedelta(seconds=2)
        ends = sa.update(Quota).where(Quota.user_id == user_id)
        services.db.session.execute(ends.values(anchor_at=resets_at, resets_at=resets_at))
        return resets_at

    former = by_services(portal, end_soon)
    deadline = time.monotonic() + PATIENCE

    def insist(_: int) -> list[dict[str, Any]]:
        """Take until there is nothing left of the next month either."""
        taken = []
        while time.monotonic() < deadline:
            status, body = backend.take(user_id)
            if status == 200:
                taken.append(body)
            elif not body["resets_at"].startswith(former.strftime("%Y-%m-%dT%H:%M:%S")):
                return taken
            else:
                time.sleep(0.05)
        raise AssertionError("the month did not end")

    months: dict[str, list[int]] = {}
    for body in (each for part in at_once(backend, insist, AT_ONCE) for each in part):
        months.setdefault(body["resets_at"], []).append(body["used"])
    *first, second = (sorted(months[resets_at]) for resets_at in sorted(months))
    assert second == list(range(1, 71))
    # What was left of the one before, as far as there was time for it.
    assert [each == list(range(2, len(each) + 2)) and len(each) <= 69 for each in first] in ([True], [])
    assert used(portal, user_id) == 70


def test_notices_that_come_at_once_are_each_dealt_with_once_and_the_latest_counts(
    portal: Portal, new_person: Callable[[int], str]
) -> None:
    user_id, began, ends = new_person(1), datetime(2027, 1, 1, tzinfo=UTC), datetime(2999, 12, 31, tzinfo=UTC)
    life = [notice(user_id, began + timedelta(days=day), subscription=user_id) for day in range(4)]
    cancelled: dict[str, Any] = {"name": "subscription_cancelled", "status": "cancelled", "ends_at": ends}
    life.append(notice(user_id, began + timedelta(days=9), subscription=user_id, variant=STUDIO, **cancelled))
    bodies = [body_of(payload) for payload in life]

    def send(number: int) -> tuple[int, str]:
        body = bodies[number % 5]
        headers = {"X-Signature": signature(body), "Content-Type": "application/json"}
        # Some in chunks, whose length is not known before.
        data = iter([body[:9], body[9:]]) if number % 2 else body
        answer = requests.post(f"{portal.url}/api/v1/billing/webhook", data=data, headers=headers, timeout=PATIENCE)
        assert answer.status_code == 200, answer.text
        return number % 5, answer.json()["status"]

    with ThreadPoolExecutor(10) as pool:
        said = Counter(pool.map(send, reversed(range(40))))
    for each in range(5):
        assert said[each, "repeated"] == 7
        assert said[each, "applied"] + said[each, "outdated"] == 1
    assert said[4, "applied"] == 1

    def found(services: Any) -> tuple[Any, list[str]]:
        billed = sa.select(AuditLog.details).where(
            AuditLog.action == "account:plan:billed", AuditLog.user_id == user_id
        )
        plans = [details["plan"] for details in services.db.session.scalars(billed.order_by(AuditLog.created_at))]
        return services.standings.of(user_id).standing, plans

    standing, plans = by_services(portal, found)
    assert (standing.plan, standing.status, standing.ends_at) == ("studio", "cancelled", ends)
    # One record for each plan it was, however many notices said so.
    assert plans in (["pro", "studio"], ["studio"])
