"""Workers are killed in the middle of exchanges, fifty times in all: nothing is half done, nothing stays locked."""

import hashlib
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any

import pytest
import requests
import sqlalchemy as sa

from tests.flows.live_client import PATIENCE, LiveClient, by_services
from tests.portal import Portal
from tests.relying_party import PASSWORD, REDIRECT_URI, refusal
from tests.servers import unrestricted

pytestmark = [pytest.mark.timed, pytest.mark.parametrize("live_portal", ["sqlite", "postgresql+redis"], indirect=True)]

EMAIL, GOODBYE = "jung@example.com", "https://client.example.com/goodbye"
KILLS, MOST_KILLS, THREADS = 25, 100, 4
AIM_SECONDS = 2
AIMS = ("code lost after it was spent", "refresh lost after it was stored")
# How long the portal waits for a busy database before it gives up (``DB_LOCK_TIMEOUT``).
BUSY_SECONDS = 5
LOST = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)
REFUSED = {"error": "invalid_grant", "error_description": "Invalid or expired authorization code"}
SPENT = "SELECT family_id FROM authorization_codes WHERE code_hash = :hash AND redeemed_at IS NOT NULL"
ROTATED = "SELECT id FROM refresh_tokens WHERE token_hash = :hash AND rotated_at IS NOT NULL"


@dataclass
class Database:
    """A way to see what is stored, kept open as long as the portal runs, and safe for threads."""

    engine: sa.Engine

    def rows(self, statement: str, **values: object) -> list[dict[str, Any]]:
        """The rows as committed by now."""
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(sa.text(statement), values).mappings()]


@dataclass
class Scene:
    """A portal under fire. ``calm`` is held while somebody repeats a request whose answer was lost."""

    portal: Portal
    app: LiveClient
    service: LiveClient
    database: Database
    calm: Lock = field(default_factory=Lock)
    seen: Counter[str] = field(default_factory=Counter)
    killed: set[int] = field(default_factory=set)


@pytest.fixture(scope="module")
def scene(live_portal: Portal) -> Iterator[Scene]:
    secret = by_services(live_portal, populate)
    app = LiveClient(live_portal, "app")
    assert app.log_in(EMAIL, PASSWORD).status_code == 303
    engine = sa.create_engine(unrestricted(live_portal.environment["DATABASE_URL"]), pool_size=THREADS + 2)
    yield Scene(live_portal, app, LiveClient(live_portal, "service", secret), Database(engine))
    engine.dispose()


def populate(services: Any) -> str | None:
    services.accounts.create(EMAIL, PASSWORD)
    services.clients.create(
        "app",
        redirects=[REDIRECT_URI],
        post_logout=[GOODBYE],
        scopes=["openid", "profile", "offline_access"],
        consent_policy="implicit",
    )
    secret: str | None = services.clients.create(
        "service",
        is_confidential=True,
        can_introspect_any=True,
        scopes=["read:profile"],
        grants=["client_credentials"],
    )
    return secret


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def code(scene: Scene) -> str:
    """A code; asking for one may be repeated as often as it takes."""
    while True:
        try:
            return scene.app.code()
        except LOST:
            scene.seen["authorization lost"] += 1


def again(scene: Scene, ask: Callable[[], requests.Response]) -> requests.Response:
    """Repeat a request in a moment without kills; while no worker listens yet, nothing is sent."""
    deadline = time.monotonic() + PATIENCE
    with scene.calm:
        while True:
            try:
                return ask()
            except requests.ConnectionError as error:
                if "Connection refused" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)


def exchange(scene: Scene, granted: str) -> dict[str, Any] | None:
    """Redeem a code. If the answer was lost, it still redeems, or is spent with its family, which the repeat ends."""
    try:
        answer = scene.app.redeem(granted)
    except LOST:
        answer = again(scene, lambda: scene.app.redeem(granted))
        if answer.status_code != 200:
            scene.seen["code lost after it was spent"] += 1
            assert (answer.status_code, refusal(answer.json())) == (400, REFUSED)
            ((family,),) = [row.values() for row in scene.database.rows(SPENT, hash=sha256(granted))]
            assert live_tokens(scene, str(family)) == []
            return None
        scene.seen["code lost before it was spent"] += 1
    assert answer.status_code == 200, answer.text
    scene.seen["code redeemed"] += 1
    return dict(answer.json())


def live_tokens(scene: Scene, family: str) -> list[dict[str, Any]]:
    """The refresh tokens of a family that could be used; the family must be on record with its tokens."""
    (kept,) = scene.database.rows("SELECT revoked_at FROM token_families WHERE id = :id", id=family)
    tokens = scene.database.rows("SELECT rotated_at, revoked_at FROM refresh_tokens WHERE family_id = :id", id=family)
    assert tokens
    assert kept["revoked_at"] is None or all(token["revoked_at"] for token in tokens)
    return [token for token in tokens if not token["rotated_at"] and not token["revoked_at"]]


def rotate(scene: Scene, token: str) -> str:
    """Use a refresh token. If the answer was lost, repeats give one and the same successor."""
    try:
        answer = scene.app.refresh(token)
    except LOST:
        was_rotated = bool(scene.database.rows(ROTATED, hash=sha256(token)))
        scene.seen[f"refresh lost {'after' if was_rotated else 'before'} it was stored"] += 1
        answer, repeated = (again(scene, lambda: scene.app.refresh(token)) for _ in range(2))
        assert (answer.status_code, repeated.status_code) == (200, 200), (answer.text, repeated.text)
        assert answer.json()["refresh_token"] == repeated.json()["refresh_token"]
        assert is_stored_successor(scene, token, answer.json()["refresh_token"])
    assert answer.status_code == 200, answer.text
    scene.seen["refreshed"] += 1
    return str(answer.json()["refresh_token"])


def is_stored_successor(scene: Scene, token: str, successor: str) -> bool:
    """Whether a token has exactly this successor in its family."""
    found = scene.database.rows(
        "SELECT new.token_hash FROM refresh_tokens old JOIN refresh_tokens new ON new.family_id = old.family_id"
        " AND new.rotation_count = old.rotation_count + 1 WHERE old.token_hash = :hash",
        hash=sha256(token),
    )
    return [row["token_hash"] for row in found] == [sha256(successor)]


def visit(scene: Scene) -> None:
    """A login and some refreshes."""
    tokens = exchange(scene, code(scene))
    if tokens:
        token = tokens["refresh_token"]
        for _ in range(3):
            token = rotate(scene, token)


def under_load(scene: Scene, stop: Event) -> None:
    while not stop.is_set():
        visit(scene)


def kill(scene: Scene, pids: list[int]) -> None:
    """Kill workers at once, and wait until the master has replaced them. The caller holds ``calm``."""
    deadline = time.monotonic() + PATIENCE
    expected = int(scene.portal.environment["WEB_CONCURRENCY"])
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    scene.killed.update(pids)
    while len(scene.portal.workers) != expected or scene.killed & set(scene.portal.workers):
        assert time.monotonic() < deadline, (scene.portal.workers, scene.killed)
        time.sleep(0.01)


def kill_at_random(scene: Scene, chance: random.Random) -> None:
    """Whatever a worker is doing."""
    time.sleep(chance.uniform(0.02, 0.15))
    with scene.calm:
        kill(scene, [chance.choice(scene.portal.workers)])


def kill_after_the_commit(
    scene: Scene, pool: ThreadPoolExecutor, work: Callable[[], object], done: str, key: str
) -> None:
    """Kill all workers as soon as the row shows that the work is stored, which is before its answer is written."""
    with scene.calm:
        running: Future[object] = pool.submit(work)
        deadline = time.monotonic() + AIM_SECONDS
        while not running.done() and time.monotonic() < deadline and not scene.database.rows(done, hash=sha256(key)):
            pass
        kill(scene, scene.portal.workers)
    running.result(PATIENCE)


def storm(scene: Scene, pool: ThreadPoolExecutor) -> None:
    """Kill :data:`KILLS` workers at moments of three kinds, each as often; more until each aim was hit once."""
    chance, turn = random.Random(len(scene.portal.url)), 0  # noqa: S311
    while len(scene.killed) < KILLS or (not all(map(scene.seen.get, AIMS)) and len(scene.killed) < MOST_KILLS):
        turn += 1
        if turn % 3 == 0:
            granted = code(scene)
            kill_after_the_commit(scene, pool, lambda sent=granted: exchange(scene, sent), SPENT, granted)  # type: ignore[misc]
        elif turn % 3 == 1 and (tokens := exchange(scene, code(scene))):
            token = tokens["refresh_token"]
            kill_after_the_commit(scene, pool, lambda sent=token: rotate(scene, sent), ROTATED, token)  # type: ignore[misc]
        else:
            kill_at_random(scene, chance)


def test_nothing_is_half_done_when_workers_are_killed(scene: Scene) -> None:
    master, stop = scene.portal.pid, Event()
    with ThreadPoolExecutor(THREADS + 1) as pool:
        load = [pool.submit(under_load, scene, stop) for _ in range(THREADS)]
        try:
            storm(scene, pool)
        finally:
            stop.set()
        for job in load:
            job.result(2 * PATIENCE)
    assert scene.portal.pid == master
    assert len(scene.killed) >= KILLS
    assert all(map(scene.seen.get, AIMS)), scene.seen
    assert scene.seen["code redeemed"] >= KILLS, scene.seen


def test_every_spent_code_has_its_family_and_every_family_its_code(scene: Scene) -> None:
    spent = scene.database.rows("SELECT family_id FROM authorization_codes WHERE redeemed_at IS NOT NULL")
    families = scene.database.rows("SELECT id FROM token_families")
    assert sorted(row["family_id"] for row in spent) == sorted(row["id"] for row in families)
    assert families
    for family in families:
        assert len(live_tokens(scene, family["id"])) <= 1
    # A successor is stored exactly where its predecessor says so.
    orphans = scene.database.rows(
        "SELECT old.id FROM refresh_tokens old LEFT JOIN refresh_tokens new ON new.token_hash = old.successor_hash"
        " WHERE old.rotated_at IS NOT NULL AND new.id IS NULL"
    )
    assert orphans == []
    generations = scene.database.rows(
        "SELECT family_id, rotation_count FROM refresh_tokens GROUP BY family_id, rotation_count HAVING count(*) > 1"
    )
    assert generations == []


def test_no_lock_is_left(scene: Scene) -> None:
    """The next request of each kind is answered before the portal would give up waiting for a lock."""
    app, service = scene.app, scene.service
    answers: dict[str, requests.Response] = {}

    def timed(name: str, ask: Callable[[], requests.Response]) -> requests.Response:
        began = time.monotonic()
        answers[name] = ask()
        assert time.monotonic() - began < BUSY_SECONDS, name
        return answers[name]

    browser = LiveClient(scene.portal, "app")
    timed("login", lambda: browser.log_in(EMAIL, PASSWORD))
    timed("authorize", browser.authorize)
    tokens = timed("redeem", lambda: browser.redeem(browser.code())).json()
    tokens = timed("refresh", lambda: app.refresh(tokens["refresh_token"])).json()
    timed("userinfo", lambda: app.userinfo(tokens["access_token"]))
    timed("introspect", lambda: service.introspect(tokens["access_token"]))
    timed("service token", lambda: service.token(grant_type="client_credentials"))
    form = {"token": tokens["refresh_token"], "client_id": "app"}
    timed("revoke", lambda: app.send("POST", "/api/oauth/revoke", data=form))
    hint = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": GOODBYE}
    timed("logout", lambda: browser.browse("GET", "/api/oauth/logout", params=hint))
    timed("ready", lambda: app.send("GET", "/ready"))
    assert {name: answer.status_code for name, answer in answers.items()} == {
        **dict.fromkeys(("redeem", "refresh", "userinfo", "introspect", "service token", "revoke", "ready"), 200),
        **{"login": 303, "authorize": 302, "logout": 303},
    }
