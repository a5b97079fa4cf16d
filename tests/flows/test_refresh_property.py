"""Refresh tokens under every order of events: retries, lost answers, two tabs, a thief, and time that passes.

A model that knows the rules of rotation predicts each answer; what holds whatever the order is checked beside it.
"""

import hashlib
import random
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from werkzeug.test import TestResponse

from tests.clock import Clock
from tests.relying_party import RelyingParty, add_client, add_person, log_in, refusal

WINDOW, MOST_REPEATS = timedelta(seconds=10), 2
UNKNOWN = {"error": "invalid_grant", "error_description": "Invalid or expired refresh token"}
REPEATED_OUT = {"error": "invalid_grant", "error_description": "This refresh token was already used"}
HONEST_RUNS, ROUNDS = 150, 4
# No sum of these is the window exactly.
PAUSES = (1.1, 4.7, 9.6, 10.3, 61.0)


@dataclass(frozen=True)
class Place:
    """Where a request comes from."""

    address: str
    agent: str


HOME, CAFE = Place("203.0.113.7", "Phone/1"), Place("198.51.100.9", "Phone/1")
NEXT_DOOR, ABROAD = Place("203.0.113.8", "Thief/1"), Place("192.0.2.66", "Thief/1")


@dataclass
class Scene:
    """A portal with one person who is logged in, a public client, and a resource server."""

    spa: RelyingParty
    resource: RelyingParty
    clock: Clock
    database: sqlite3.Connection

    def refresh(self, token: str, place: Place) -> TestResponse:
        """Use a refresh token from somewhere."""
        form = {"grant_type": "refresh_token", "client_id": self.spa.client_id, "refresh_token": token}
        origin = {"REMOTE_ADDR": place.address, "HTTP_USER_AGENT": place.agent}
        return self.spa.browser.post("/api/oauth/token", data=form, environ_overrides=origin)

    def is_active(self, token: str) -> bool:
        """What introspection says."""
        asked = {"client_id": self.resource.client_id, "client_secret": self.resource.secret, "token": token}
        answer = self.resource.browser.post("/api/oauth/introspect", data=asked)
        assert answer.status_code == 200
        assert answer.json["active"] or answer.json == {"active": False}
        return bool(answer.json["active"])

    def live_leaves(self, token: str) -> int:
        """How many rows of the token's family could be used now."""
        row = self.database.execute(
            "SELECT count(*) FROM refresh_tokens WHERE rotated_at IS NULL AND revoked_at IS NULL AND family_id ="
            " (SELECT family_id FROM refresh_tokens WHERE token_hash = ?)",
            (hashlib.sha256(token.encode()).hexdigest(),),
        ).fetchone()
        return int(row[0])


@pytest.fixture
def scene(open_database: Callable[..., str], make_app: Callable[..., Flask], clock: Clock) -> Iterator[Scene]:
    url = open_database()
    app = make_app(url)
    browser = app.test_client()
    add_person(app)
    add_client(app, "spa")
    secret = add_client(app, "resource", is_confidential=True, can_introspect_any=True)
    assert log_in(browser, remember="y").status_code == 303
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
        yield Scene(RelyingParty(browser, "spa"), RelyingParty(browser, "resource", secret), clock, database)


@dataclass
class Generation:
    """One refresh token as the model knows it; ``access`` came with it."""

    token: str
    access: str
    rotated_at: datetime | None = None
    rotated_from: Place = HOME
    repeats: int = 0


@dataclass
class Model:
    """What the rules of rotation say about one family."""

    generations: list[Generation] = field(default_factory=list)
    has_ended: bool = False

    def use(self, number: int, place: Place, now: datetime) -> str:
        """What this use is: ``new``, ``same`` successor, ``repeated out``, ``refused`` (ended before), or ``reuse``."""
        used = self.generations[number]
        if self.has_ended:
            return "refused"
        if used.rotated_at is None:
            used.rotated_at, used.rotated_from = now, place
            return "new"
        is_successor_unused = number == len(self.generations) - 2
        if now - used.rotated_at > WINDOW or not is_successor_unused or _is_stranger(used.rotated_from, place):
            self.has_ended = True
            return "reuse"
        if used.repeats == MOST_REPEATS:
            return "repeated out"
        used.repeats += 1
        return "same"


def _is_stranger(one: Place, other: Place) -> bool:
    return one.agent != other.agent and one.address.rpartition(".")[0] != other.address.rpartition(".")[0]


class Interleavings(RuleBasedStateMachine):
    """Two tabs with one stored token, answers that get lost, and a thief with a copy of some token."""

    scene: Scene
    seen: Counter[str]

    def __init__(self) -> None:
        super().__init__()
        self.log_in_anew()

    def log_in_anew(self) -> None:
        first = self.scene.spa.tokens()
        self.model = Model([Generation(first["refresh_token"], first["access_token"])])
        self.stored = 0
        self.tabs = [0, 0]
        self.stolen = 0

    @rule(tab=st.sampled_from([0, 1]))
    def a_tab_reads_the_stored_token(self, tab: int) -> None:
        self.tabs[tab] = self.stored

    @rule(tab=st.sampled_from([0, 1]), is_lost=st.booleans(), place=st.sampled_from([HOME, HOME, CAFE]))
    def a_tab_refreshes(self, tab: int, is_lost: bool, place: Place) -> None:
        successor = self.present(self.tabs[tab], place)
        if successor is not None and not is_lost:
            self.tabs[tab] = self.stored = successor

    @rule(which=st.integers(0, 3))
    def a_thief_copies_a_token(self, which: int) -> None:
        self.stolen = max(0, len(self.model.generations) - 1 - which)

    @rule(place=st.sampled_from([HOME, NEXT_DOOR, ABROAD]), keeps_on=st.booleans())
    def a_thief_uses_the_copy(self, place: Place, keeps_on: bool) -> None:
        successor = self.present(self.stolen, place)
        if successor is not None and keeps_on:
            self.stolen = successor

    @rule(seconds=st.sampled_from(PAUSES))
    def time_passes(self, seconds: float) -> None:
        self.scene.clock.advance(seconds=seconds)

    @precondition(lambda self: self.model.has_ended)
    @rule()
    def the_person_logs_in_again(self) -> None:
        self.judge_the_family()
        self.log_in_anew()

    @invariant()
    def exactly_one_leaf_lives_until_the_family_ends(self) -> None:
        expected = 0 if self.model.has_ended else 1
        assert self.scene.live_leaves(self.model.generations[0].token) == expected

    def present(self, number: int, place: Place) -> int | None:
        """Use a token; the answer must be the model's. Gives the number of the successor, if there is one."""
        expected = self.model.use(number, place, self.scene.clock())
        self.seen[expected] += 1
        answer = self.scene.refresh(self.model.generations[number].token, place)
        if expected in {"new", "same"}:
            assert answer.status_code == 200, (expected, answer.text)
            self.note_successor(expected, number, answer.json["refresh_token"], answer.json["access_token"])
            return number + 1
        assert (answer.status_code, refusal(answer.json)) == (
            400,
            REPEATED_OUT if expected == "repeated out" else UNKNOWN,
        )
        if expected == "reuse":
            self.judge_the_family()
        return None

    def note_successor(self, expected: str, number: int, token: str, access: str) -> None:
        generations = self.model.generations
        if expected == "new":
            assert token not in {each.token for each in generations}
            generations.append(Generation(token, access))
        else:
            assert token == generations[number + 1].token

    def judge_the_family(self) -> None:
        """While the family lives all its access tokens do, and only its leaf; afterwards nothing of it does."""
        generations, spa = self.model.generations, self.scene.spa
        leaf = None if self.model.has_ended else generations[-1]
        for each in generations:
            assert self.scene.is_active(each.token) == (each is leaf)
            assert self.scene.is_active(each.access) == (leaf is not None)
            answer = spa.userinfo(each.access)
            assert answer.status_code == (401 if leaf is None else 200)
            if leaf is None:
                assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
                assert refusal(self.scene.refresh(each.token, HOME).json) == UNKNOWN

    def teardown(self) -> None:
        self.judge_the_family()


def test_every_interleaving_is_answered_by_the_rules_of_rotation(scene: Scene) -> None:
    few = settings(
        max_examples=200,
        stateful_step_count=24,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    seen: Counter[str] = Counter()
    machine = type("Bound", (Interleavings,), {"scene": scene, "seen": seen})
    run_state_machine_as_test(machine, settings=few)  # type: ignore[no-untyped-call]
    assert {kind for kind, times in seen.items() if times >= 20} == {"new", "same", "repeated out", "refused", "reuse"}


def test_an_honest_client_is_never_logged_out_inside_the_window(scene: Scene) -> None:
    """Any tab repeats a token up to twice within ten seconds, from any network, and no more than one answer arrives."""
    chance = random.Random(20261121)  # noqa: S311
    for _ in range(HONEST_RUNS):
        stored = scene.spa.tokens()
        for _ in range(ROUNDS):
            answers = []
            for attempt in range(chance.randint(1, 1 + MOST_REPEATS)):
                scene.clock.advance(seconds=0 if attempt == 0 else chance.uniform(0, 4.9))
                answers.append(scene.refresh(stored["refresh_token"], chance.choice([HOME, CAFE])))
            assert [answer.status_code for answer in answers] == [200] * len(answers)
            assert len({answer.json["refresh_token"] for answer in answers}) == 1
            stored = chance.choice(answers).json
            assert scene.live_leaves(stored["refresh_token"]) == 1
            scene.clock.advance(seconds=chance.choice([0, 0, 5, 900]))
        assert scene.spa.userinfo(stored["access_token"]).status_code == 200


def test_three_lost_answers_in_a_row_cost_a_refusal_but_not_the_family(scene: Scene) -> None:
    first = scene.spa.tokens()["refresh_token"]
    answers = [scene.refresh(first, HOME) for _ in range(1 + MOST_REPEATS + 3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 400, 400, 400]
    assert all(refusal(answer.json) == REPEATED_OUT for answer in answers[3:])
    assert scene.refresh(answers[0].json["refresh_token"], HOME).status_code == 200
