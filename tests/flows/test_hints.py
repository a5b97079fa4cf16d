"""ID tokens as hints outlive the keys that signed them, as long as a session of theirs can live, and no longer.

OpenID Connect Core section 3.1.2.1, RP-Initiated Logout section 2.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jws
from joserfc.jwk import OctKey
from werkzeug.test import TestResponse

from tests.clock import Clock
from tests.relying_party import RelyingParty, add_client, add_person, answer, log_in

LEAVE = "https://client.example.com/bye"
SHARED = "a secret that every backend of the platform has"


@dataclass
class Scene:
    """A portal with a person who is logged in and stays so, and the application she uses."""

    app: Flask
    clock: Clock
    party: RelyingParty

    @property
    def services(self) -> Any:
        """The portal's services."""
        return self.app.extensions["services"]

    def run(self, *command: str) -> str:
        """What a command prints."""
        result = self.app.test_cli_runner().invoke(args=list(command))
        assert result.exit_code == 0, result.output
        return result.stdout

    def rotate(self, **later: float) -> None:
        """Rotate the keys after a while."""
        self.clock.advance(**later)
        self.run("keys", "rotate")

    def settle(self, **later: float) -> None:
        """What the background does every ten minutes, after a while."""
        self.clock.advance(**later)
        with self.app.app_context():
            self.services.keys.settle()

    def status(self, kid: str) -> str:
        """The state of a key."""
        (status,) = [str(row["status"]) for row in json.loads(self.run("keys", "list", "--json")) if row["kid"] == kid]
        return status

    def published(self) -> set[str]:
        """The ids in the key set."""
        keys = self.party.browser.get("/.well-known/jwks.json").json or {}
        return {key["kid"] for key in keys["keys"]}

    def sealed(self) -> dict[str, bool]:
        """For each key whether it has a private half, as the table has it."""
        with self.app.app_context():
            rows = self.services.db.session.execute(sa.text("SELECT kid, private_sealed FROM signing_keys"))
            return {kid: bool(sealed) for kid, sealed in rows}

    def silent(self, hint: str) -> dict[str, str]:
        """The answer to a silent request with the hint."""
        return answer(self.party.authorize(prompt="none", id_token_hint=hint))

    def leave(self, hint: str, browser: FlaskClient | None = None) -> TestResponse:
        """The answer to a logout with the hint."""
        query = {"id_token_hint": hint, "post_logout_redirect_uri": LEAVE}
        return (browser or self.party.browser).get("/api/oauth/logout", query_string=query)


def kid_of(token: str) -> str:
    """The key a token names."""
    first = token.partition(".")[0]
    return str(json.loads(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)))["kid"])


@pytest.fixture
def scene(database_url: str, make_app: Callable[..., Flask], clock: Clock) -> Scene:
    return made(make_app(database_url), clock)


def made(app: Flask, clock: Clock) -> Scene:
    """Ada, logged in for 30 days."""
    add_person(app)
    add_client(app, "spa", post_logout=[LEAVE])
    browser = app.test_client()
    assert log_in(browser, remember="y").status_code == 303
    return Scene(app, clock, RelyingParty(browser, "spa"))


def test_a_hint_outlives_the_rotations_of_its_session(scene: Scene) -> None:
    tokens = scene.party.tokens()
    hint, kid = tokens["id_token"], kid_of(tokens["id_token"])
    scene.rotate()
    for _ in range(3):
        scene.rotate(days=2)
    assert kid not in scene.published()
    assert scene.status(kid) == "former"
    assert "code" in scene.silent(hint)
    assert scene.party.refresh(tokens["refresh_token"]).status_code == 200
    left = scene.leave(hint)
    assert (left.status_code, left.location) == (303, LEAVE)
    # And to lead back who is logged in no longer.
    assert scene.silent(hint)["error"] == "login_required"
    left = scene.leave(hint, scene.app.test_client())
    assert (left.status_code, left.location) == (303, LEAVE)


def test_a_former_key_verifies_hints_and_nothing_else(scene: Scene) -> None:
    """Not even a token that claims to be good for longer than any token lives."""
    with scene.app.app_context():
        claims = scene.services.tokens.read_access_token(scene.party.tokens()["access_token"])
        lasting = scene.services.tokens._sign("ES256", "at+jwt", {**claims, "exp": claims["exp"] + 10**7})
    assert scene.party.userinfo(lasting).status_code == 200
    scene.rotate()
    scene.rotate(days=2)
    assert scene.status(kid_of(lasting)) == "former"
    assert scene.party.userinfo(lasting).status_code == 401
    assert scene.silent(lasting)["error"] == "invalid_request"
    assert scene.leave(lasting).status_code == 400


def test_a_key_leaves_the_key_set_when_no_token_needs_it_whether_others_come_or_not(scene: Scene) -> None:
    kid = kid_of(scene.party.tokens()["id_token"])
    scene.rotate()
    scene.settle(hours=23, minutes=59)
    assert kid in scene.published()
    scene.settle(minutes=2)
    assert kid not in scene.published()
    assert scene.status(kid) == "former"


def test_what_signs_no_more_has_no_private_half(scene: Scene) -> None:
    hint = scene.party.tokens()["id_token"]
    scene.rotate()
    scene.rotate(days=2)
    retired = kid_of(scene.party.tokens()["id_token"])
    scene.run("keys", "retire", "--", retired)
    states = {row["kid"]: row["status"] for row in json.loads(scene.run("keys", "list", "--json"))}
    assert set(states.values()) == {"next", "current", "previous", "former", "retired"}
    assert {kid: status in {"next", "current"} for kid, status in states.items()} == scene.sealed()
    assert "code" in scene.silent(hint)


@pytest.mark.parametrize("is_former", [False, True], ids=["previous", "former"])
def test_a_withdrawn_key_is_good_for_no_hint_whatever_it_was_before(scene: Scene, is_former: bool) -> None:
    hint = scene.party.tokens()["id_token"]
    scene.rotate()
    if is_former:
        scene.rotate(days=2)
    assert scene.status(kid_of(hint)) == ("former" if is_former else "previous")
    assert "code" in scene.silent(hint)
    assert scene.leave(hint, scene.app.test_client()).status_code == 303
    scene.run("keys", "retire", "--", kid_of(hint))
    assert scene.silent(hint)["error"] == "invalid_request"
    assert scene.leave(hint).status_code == 400
    assert scene.leave(hint, scene.app.test_client()).status_code == 400
    scene.rotate(days=2)
    assert scene.status(kid_of(hint)) == "retired"
    assert scene.leave(hint).status_code == 400


def test_a_hint_is_none_any_more_when_nothing_of_its_time_can_be_left(scene: Scene) -> None:
    hint = scene.party.tokens()["id_token"]
    scene.rotate()
    scene.settle(days=89)
    assert scene.leave(hint, scene.app.test_client()).location == LEAVE
    scene.settle(days=2)
    assert scene.status(kid_of(hint)) == "retired"
    assert scene.leave(hint, scene.app.test_client()).status_code == 400


def test_a_session_that_is_begun_again_and_again_keeps_its_first_hint(scene: Scene) -> None:
    hint = scene.party.tokens(scope="openid")["id_token"]
    scene.rotate()
    for _ in range(5):
        scene.settle(days=25)
        assert log_in(scene.party.browser, path="/login?switch=1", remember="y").status_code == 303
    assert scene.status(kid_of(hint)) == "former"
    assert "code" in scene.silent(hint)
    assert scene.leave(hint).location == LEAVE
    scene.settle()
    assert scene.status(kid_of(hint)) == "retired"


def test_a_secret_that_backends_share_signs_no_hint(make_app: Callable[..., Flask], clock: Clock) -> None:
    """They could have anybody logged out, or found out who is logged in."""
    scene = made(make_app(JWT_ALGORITHM="HS256", JWT_SHARED_SECRET=SHARED), clock)
    good = scene.party.tokens()["id_token"]
    for kid in ({}, {"kid": kid_of(good)}):
        header = {"typ": "JWT", "alg": "HS256", **kid}
        payload = base64.urlsafe_b64decode(good.split(".")[1] + "==")
        forged = jws.serialize_compact(header, payload, OctKey.import_key(SHARED), algorithms=["HS256"])
        assert scene.silent(forged)["error"] == "invalid_request"
        assert scene.leave(forged).status_code == 400
    assert "code" in scene.silent(good)
    assert scene.leave(good).location == LEAVE
