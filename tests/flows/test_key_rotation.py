"""Signing keys are rotated and retired under traffic, and no verifier is left with a token it cannot check."""

import base64
import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import KeySet

from app.services.tokens.keys import FRESH_SECONDS, PUBLISHED_SECONDS
from tests.clock import Clock
from tests.flows.live_client import PATIENCE, LiveClient, Workers, by_services
from tests.portal import Portal
from tests.relying_party import PASSWORD, REDIRECT_URI, RelyingParty, add_client, add_person, log_in

on_both_stores = pytest.mark.parametrize("live_portal", ["sqlite", "postgresql+redis"], indirect=True)

EMAIL = "kim@example.com"
ROTATIONS = 2
# Access tokens are signed by the first, ID tokens by the second.
ALGORITHMS = ("ES256", "RS256")


@dataclass
class Verifier:
    """A resource server: keeps the key set, and fetches it once more when a token names a key it does not know."""

    portal: Portal
    keys: dict[str, Any] = field(default_factory=dict)
    kids: set[str] = field(default_factory=set)
    checked: int = 0
    rounds: int = 0

    def check(self, token: str) -> None:
        """The signature and issuer of a token are good by the key set at hand, or by the one fetched now."""
        kid = header_of(token)["kid"]
        if kid not in {key["kid"] for key in self.keys.get("keys", [])}:
            self.keys = key_set(self.portal)
        decoded = jwt.decode(token, KeySet.import_key_set(self.keys), algorithms=list(ALGORITHMS))
        assert decoded.claims["iss"] == self.portal.url
        self.kids.add(kid)
        self.checked += 1


@dataclass
class Scene:
    """A portal with a person who is logged in to a first-party application, and a service that may introspect."""

    portal: Portal
    workers: Workers
    app: LiveClient
    service: LiveClient

    def service_token(self) -> str:
        """A new service token."""
        return str(self.service.token(grant_type="client_credentials").json()["access_token"])

    def signed(self) -> tuple[str, str]:
        """The ids of the keys that sign an access token and an ID token now."""
        tokens = self.app.tokens()
        return header_of(tokens["access_token"])["kid"], header_of(tokens["id_token"])["kid"]

    def published(self) -> set[str]:
        """The ids in the key set."""
        return {key["kid"] for key in self.app.send("GET", "/.well-known/jwks.json").json()["keys"]}

    def keys(self, *statuses: str) -> list[tuple[str, ...]]:
        """For each state the ids of the newest keys in it, one for each of the algorithms."""
        listed = json.loads(self.portal.flask("keys", "list", "--json"))
        found = {(row["algorithm"], row["status"]): row["kid"] for row in reversed(listed)}
        return [tuple(found[algorithm, status] for algorithm in ALGORITHMS) for status in statuses]

    def retire(self, *kids: str) -> None:
        """Withdraw keys; an id may begin with a dash."""
        for kid in kids:
            assert self.portal.flask("keys", "retire", "--", kid) == f"Retired {kid}.\n"


@pytest.fixture(scope="module")
def scene(live_portal: Portal) -> Iterator[Scene]:
    secret = by_services(live_portal, populate)
    app = LiveClient(live_portal, "rotating")
    assert app.log_in(EMAIL, PASSWORD).status_code == 303
    workers = Workers(live_portal)
    yield Scene(live_portal, workers, app, LiveClient(live_portal, "service", secret))
    workers.close()


def populate(services: Any) -> str | None:
    services.accounts.create(EMAIL, PASSWORD)
    services.clients.create(
        "rotating", redirects=[REDIRECT_URI], scopes=["openid", "profile"], consent_policy="implicit"
    )
    secret: str | None = services.clients.create(
        *("service",),
        is_confidential=True,
        can_introspect_any=True,
        scopes=["read:profile"],
        grants=["client_credentials"],
    )
    return secret


def header_of(token: str) -> dict[str, Any]:
    """The header of a JWT."""
    first = token.partition(".")[0]
    return dict(json.loads(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4))))


def key_set(portal: Portal) -> dict[str, Any]:
    """The key set as published by whichever worker answers."""
    answer = requests.get(f"{portal.url}/.well-known/jwks.json", timeout=PATIENCE)
    assert answer.headers["Cache-Control"] == f"public, max-age={PUBLISHED_SECONDS}"
    return dict(answer.json())


def wait_until_noticed() -> None:
    """The time after which every worker must have looked at the keys again."""
    time.sleep(FRESH_SECONDS)


def traffic(scene: Scene, stop: Event, take: Callable[[Scene], Iterator[str]], verifier: Verifier) -> None:
    """Take tokens and check each at once, until told to stop."""
    while not stop.is_set():
        for token in take(scene):
            verifier.check(token)
        verifier.rounds += 1


def wait_for_new_tokens(verifiers: Sequence[Verifier], running: Sequence["Future[None]"]) -> None:
    """Until whatever was taken before now has been checked, however long that takes."""
    seen = [verifier.rounds for verifier in verifiers]
    deadline = time.monotonic() + PATIENCE
    while any(verifier.rounds < before + 2 for verifier, before in zip(verifiers, seen, strict=True)):
        assert time.monotonic() < deadline, "no tokens are taken any more"
        for job in running:
            if job.done():
                job.result()  # which raises what ended it
        time.sleep(0.02)


def logins(scene: Scene) -> Iterator[str]:
    """The tokens of a login and of a refresh."""
    tokens = scene.app.tokens()
    for each in (tokens, scene.app.refresh(tokens["refresh_token"]).json()):
        yield from (each["access_token"], each["id_token"])


def service_tokens(scene: Scene) -> Iterator[str]:
    """A service token."""
    yield scene.service_token()


@on_both_stores
def test_every_worker_signs_with_the_new_key_which_was_published_before(scene: Scene) -> None:
    old, new = scene.keys("current", "next")
    before = scene.app.tokens()["access_token"]
    assert scene.workers.each(scene.signed) == [old] * 2
    assert all({*old, *new} <= known for known in scene.workers.each(scene.published))
    scene.portal.flask("keys", "rotate")
    wait_until_noticed()
    assert scene.workers.each(scene.signed) == [new] * 2
    assert [header_of(token)["kid"] for token in scene.workers.each(scene.service_token)] == [new[0]] * 2
    (following,) = scene.keys("next")
    assert all({*old, *new, *following} <= known for known in scene.workers.each(scene.published))
    # What the previous key signed goes on being good.
    assert scene.workers.each(lambda: scene.app.userinfo(before).status_code) == [200, 200]
    assert scene.workers.each(lambda: scene.service.introspect(before).json()["active"]) == [True, True]


@on_both_stores
def test_a_retired_key_signs_nothing_and_its_tokens_are_refused(scene: Scene) -> None:
    first, service_token = scene.app.tokens(), scene.service_token()
    scene.portal.flask("keys", "rotate")
    wait_until_noticed()
    second = scene.app.tokens()
    # Every worker has seen the tokens of the previous and of the current key, and found them good.
    for tokens in (first, second):
        assert scene.workers.each(lambda sent=tokens: scene.app.userinfo(sent["access_token"]).status_code) == [200] * 2  # type: ignore[misc]
    retired = {header_of(tokens[kind])["kid"] for tokens in (first, second) for kind in ("access_token", "id_token")}
    current, previous = scene.keys("current", "previous")
    assert retired == {*current, *previous}
    scene.retire(*retired)
    wait_until_noticed()

    for tokens in (first, second):
        judge_refused(scene, tokens["access_token"], tokens["id_token"])
    asked = scene.workers.each(lambda: scene.service.introspect(service_token).json())
    assert asked == [{"active": False}] * 2
    assert not any(retired & known for known in scene.workers.each(scene.published))
    assert not any(retired & set(signed) for signed in scene.workers.each(scene.signed))


def judge_refused(scene: Scene, access: str, identity: str) -> None:
    """No worker takes the access token, nor the ID token as a hint of whom to log out."""
    for answer in scene.workers.each(lambda: scene.app.userinfo(access)):
        assert answer.status_code == 401
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert scene.workers.each(lambda: scene.service.introspect(access).json()) == [{"active": False}] * 2
    hint = {"id_token_hint": identity}
    for answer in scene.workers.each(lambda: scene.app.browse("GET", "/api/oauth/logout", params=hint)):
        assert answer.status_code == 400
        assert "portal_session" not in answer.cookies


def test_a_key_whose_id_begins_with_a_dash_is_named_like_any_other(app: Flask) -> None:
    unknown = app.test_cli_runner().invoke(args=["keys", "retire", "-RhOCmIhu3lOjVVesYPyut9KT3U5lqeS7Mgw9kTYdQg"])
    assert "There is no key of that id." in unknown.output


def published_by(browser: FlaskClient) -> set[str]:
    return {key["kid"] for key in browser.get("/.well-known/jwks.json").json["keys"]}


def test_rotating_one_algorithm_leaves_the_other_alone(app: Flask) -> None:
    browser = app.test_client()
    add_person(app)
    add_client(app, "spa")
    log_in(browser)

    def signed() -> tuple[str, str]:
        tokens = RelyingParty(browser, "spa").tokens()
        return header_of(tokens["access_token"])["kid"], header_of(tokens["id_token"])["kid"]

    access, identity = signed()
    assert app.test_cli_runner().invoke(args=["keys", "rotate", "--algorithm", "ES256"]).exit_code == 0
    new_access, same_identity = signed()
    assert same_identity == identity
    assert new_access != access
    assert {access, new_access, identity} <= published_by(browser)


def test_tokens_of_a_previous_key_live_out_their_time_and_no_longer(app: Flask, clock: Clock) -> None:
    """The clock can be moved only inside this process."""
    browser, cli = app.test_client(), app.test_cli_runner()
    add_person(app)
    add_client(app, "spa")
    secret = add_client(
        *(app, "service"), is_confidential=True, can_introspect_any=True, redirects=[], grants=["client_credentials"]
    )
    log_in(browser, remember="y")
    spa, service = RelyingParty(browser, "spa"), RelyingParty(browser, "service", secret)
    access = spa.tokens()["access_token"]
    lasting = service.token(grant_type="client_credentials").json["access_token"]
    kid = header_of(lasting)["kid"]
    assert header_of(access)["kid"] == kid

    def is_active(token: str) -> bool:
        form = {"token": token, "client_id": "service", "client_secret": secret}
        return bool(browser.post("/api/oauth/introspect", data=form).json["active"])

    def rotate() -> None:
        assert cli.invoke(args=["keys", "rotate"]).exit_code == 0

    began = clock()
    for minutes, access_is_active in ((0, True), (59, True), (61, False), (12 * 60, False), (24 * 60 - 1, False)):
        clock.now = began + timedelta(minutes=minutes)
        rotate()
        assert spa.userinfo(access).status_code == (200 if access_is_active else 401)
        assert (is_active(access), is_active(lasting)) == (access_is_active, True)
        assert kid in published_by(browser)
    clock.now = began + timedelta(hours=24, minutes=1)
    assert not is_active(lasting)
    rotate()
    assert kid not in published_by(browser)


@on_both_stores
def test_every_token_issued_during_rotations_verifies(scene: Scene) -> None:
    stop, takes = Event(), (logins, logins, service_tokens)
    checked = [Verifier(scene.portal) for _ in takes]
    with ThreadPoolExecutor(3) as pool:
        running = [pool.submit(traffic, scene, stop, *each) for each in zip(takes, checked, strict=True)]
        try:
            for _ in range(ROTATIONS):
                scene.portal.flask("keys", "rotate")
                wait_until_noticed()
                wait_for_new_tokens(checked, running)
                # Long replaced, it signs nothing; withdrawing it must not disturb those who use the newer ones.
                (previous,) = scene.keys("previous")
                scene.retire(*previous)
        finally:
            stop.set()
        for job in running:
            job.result()
    assert all(verifier.checked >= 10 for verifier in checked)
    # The keys before the first rotation and after each.
    assert len({kid for verifier in checked for kid in verifier.kids}) >= len(ALGORITHMS) * ROTATIONS
