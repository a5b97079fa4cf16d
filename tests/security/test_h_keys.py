"""Section H, signing keys: rotated, withdrawn, the same in every process, and never named by a stranger.

OpenID Connect Core section 10.1.1, RFC 7515 section 4.1.4.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from app import create_app
from app.settings import Settings
from tests.conformance import id_tokens
from tests.databases import SqliteDatabases
from tests.portal import close
from tests.relying_party import RelyingParty
from tests.security.answers import is_accepted, is_challenged, is_json, is_page, is_refused, is_sent_back
from tests.security.ending import asked, is_stopped
from tests.security.forgery import by_hmac, by_rsa
from tests.security.parties import Parties

JWKS = "/.well-known/jwks.json"
INACTIVE = {"active": False}
ALGORITHMS = ["ES256", "RS256"]


def published(browser: FlaskClient) -> dict[str, Any]:
    """The key set."""
    response = browser.get(JWKS)
    assert response.status_code == 200
    return dict(response.json or {})


def kids(browser: FlaskClient) -> set[str]:
    """The ids of the published keys."""
    return {key["kid"] for key in published(browser)["keys"]}


def kid_of(token: str) -> str:
    """The id of the key a token names."""
    return str(id_tokens.header(token)["kid"])


def signed(tokens: dict[str, Any]) -> set[str]:
    """The ids of the keys that signed the access token and the ID token."""
    return {kid_of(tokens["access_token"]), kid_of(tokens["id_token"])}


def introspected(parties: Parties, token: str) -> Any:
    """What the resource server is told."""
    auth = (parties.resource.client_id, parties.resource.secret or "")
    return is_json(parties.nobody.post("/api/oauth/introspect", data={"token": token}, auth=auth))


def key_in(parties: Parties, status: str, algorithm: str) -> str:
    """The id of the newest key in a state."""
    listed = json.loads(parties.run("keys", "list", "--json").stdout)
    return next(str(row["kid"]) for row in listed if (row["status"], row["algorithm"]) == (status, algorithm))


@contextmanager
def process(parties: Parties) -> Iterator[Flask]:
    """Another application object on the same database, with a memory of its own."""
    settings = Settings.for_testing(parties.directory, parties.database_url, RATE_LIMIT_ENABLED="false")
    app = create_app(settings, parties.clock)
    try:
        yield app
    finally:
        close(app)


def test_h154_a_new_key_is_published_before_it_signs_and_the_old_one_stays(fresh: Parties) -> None:
    known, first = published(fresh.nobody), fresh.web.tokens()
    assert fresh.run("keys", "rotate").exit_code == 0
    second = fresh.web.tokens()
    before = {key["kid"] for key in known["keys"]}
    assert not signed(first) & signed(second)
    assert signed(first) | signed(second) == before
    # Whoever kept the key set from before the rotation can check what is signed after it.
    for name, algorithm in (("access_token", "ES256"), ("id_token", "RS256")):
        decoded = jwt.decode(second[name], KeySet.import_key_set(known), algorithms=[algorithm])  # type: ignore[arg-type]
        assert decoded.claims["sub"] == fresh.ada
    after = kids(fresh.nobody)
    assert before < after
    assert len(after - before) == 2
    assert not signed(fresh.web.tokens()) & (after - before)
    assert fresh.web.userinfo(first["access_token"]).status_code == 200
    assert introspected(fresh, first["access_token"])["active"] is True
    is_accepted(fresh.web.authorize(id_token_hint=first["id_token"], prompt="none"))
    assert is_json(fresh.web.refresh(first["refresh_token"]))["access_token"]


def test_h154_the_old_key_goes_when_its_last_token_has_expired(fresh: Parties) -> None:
    service = fresh.client(is_confidential=True, grants=["client_credentials"], scopes=["admin:oauth"])
    lasting = service.token(grant_type="client_credentials").json["access_token"]
    assert id_tokens.claims(lasting)["exp"] - fresh.clock.now.timestamp() == 86400
    rotate = ("keys", "rotate", "--algorithm", "ES256")
    assert fresh.run(*rotate).exit_code == 0
    fresh.clock.advance(seconds=86399)
    assert fresh.run(*rotate).exit_code == 0
    assert kid_of(lasting) in kids(fresh.nobody)
    assert introspected(fresh, lasting)["active"] is True
    fresh.clock.advance(seconds=2)
    assert fresh.run(*rotate).exit_code == 0
    assert kid_of(lasting) not in kids(fresh.nobody)
    assert introspected(fresh, lasting) == INACTIVE


def test_h154_an_algorithm_that_is_not_there_is_not_rotated(parties: Parties) -> None:
    before = published(parties.nobody)
    result = parties.run("keys", "rotate", "--algorithm", "HS256")
    assert (result.exit_code, "Keys are of ES256, RS256." in result.output) == (1, True)
    assert published(parties.nobody) == before


def test_h155_tokens_of_a_withdrawn_key_are_refused_at_once(parties: Parties) -> None:
    service = parties.client(is_confidential=True, grants=["client_credentials"], scopes=["admin:oauth"])
    tokens, of_service = parties.web.tokens(), service.token(grant_type="client_credentials").json["access_token"]
    # Found good before, so that something may be remembered.
    assert parties.web.userinfo(tokens["access_token"]).status_code == 200
    assert introspected(parties, of_service)["active"] is True
    kid = kid_of(tokens["access_token"])
    assert parties.run("keys", "retire", "--", kid).stdout == f"Retired {kid}.\n"

    is_challenged(parties.web.userinfo(tokens["access_token"]))
    assert introspected(parties, tokens["access_token"]) == introspected(parties, of_service) == INACTIVE
    members = {"access_token": tokens["access_token"], "client_id": "web", "client_secret": parties.web.secret}
    answer = is_json(parties.nobody.post("/api/oauth/token/validate", json=members))
    assert answer == {"valid": False, "reason": "Token is invalid or expired"}
    assert kid not in kids(parties.nobody)
    after = is_json(parties.web.refresh(tokens["refresh_token"]))
    assert kid_of(after["access_token"]) in kids(parties.nobody) - {kid}
    assert parties.web.userinfo(after["access_token"]).status_code == 200


def test_h155_an_id_token_of_a_withdrawn_key_is_no_hint(parties: Parties) -> None:
    hint = parties.web.tokens()["id_token"]
    is_accepted(parties.web.authorize(id_token_hint=hint, prompt="none"))
    assert parties.run("keys", "retire", "--", kid_of(hint)).exit_code == 0
    is_sent_back(parties.web.authorize(id_token_hint=hint, prompt="none"), "invalid_request")
    is_page(parties.browser.get("/api/oauth/logout", query_string={"id_token_hint": hint}))
    again = parties.web.tokens()["id_token"]
    assert kid_of(again) in kids(parties.nobody) - {kid_of(hint)}
    is_accepted(parties.web.authorize(id_token_hint=again, prompt="none"))


def test_h155_a_withdrawn_key_never_comes_back(parties: Parties) -> None:
    token = parties.web.tokens()["access_token"]
    kid, following = kid_of(token), key_in(parties, "next", "ES256")
    for each in (kid, following):
        assert parties.run("keys", "retire", "--", each).exit_code == 0
    for command in (("keys", "retire", "--", kid), ("keys", "rotate", "--algorithm", "ES256"), ("seed",)):
        assert parties.run(*command).exit_code == 0
        assert not {kid, following} & kids(parties.nobody)
        assert kid_of(parties.web.tokens()["access_token"]) not in {kid, following}
        is_challenged(parties.web.userinfo(token))
    with process(parties) as restarted:
        browser = restarted.test_client()
        assert not {kid, following} & kids(browser)
        is_challenged(browser.get("/api/oauth/userinfo", headers={"Authorization": f"Bearer {token}"}))


def test_h157_every_process_publishes_the_same_keys(parties: Parties) -> None:
    own, tokens = parties.nobody.get(JWKS), parties.web.tokens()
    with process(parties) as second:
        other = second.test_client().get(JWKS)
        assert (other.data, other.headers["ETag"]) == (own.data, own.headers["ETag"])
        client = RelyingParty(second.test_client(), "web", parties.web.secret)
        # Each takes what the other signed, by the same keys.
        assert client.userinfo(tokens["access_token"]).status_code == 200
        theirs = is_json(client.refresh(tokens["refresh_token"]))
        assert kid_of(theirs["access_token"]) == kid_of(tokens["access_token"])
        assert parties.web.userinfo(theirs["access_token"]).status_code == 200
        for place in ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"):
            assert second.test_client().get(place).data == parties.nobody.get(place).data


def test_h157_a_restart_and_a_second_seeding_change_no_key(parties: Parties) -> None:
    own, token = parties.nobody.get(JWKS).data, parties.web.tokens()["access_token"]
    for _ in range(2):
        with process(parties) as restarted:
            assert restarted.test_cli_runner().invoke(args=["seed"]).exit_code == 0
            browser = restarted.test_client()
            assert browser.get(JWKS).data == own
            assert RelyingParty(browser, "web").userinfo(token).status_code == 200
    assert parties.nobody.get(JWKS).data == own


def test_h157_no_process_makes_keys_of_its_own(sqlite_databases: SqliteDatabases, tmp_path: Path) -> None:
    """Where nothing was seeded there are none, and the portal says that it is not ready."""
    with sqlite_databases.fresh(tmp_path, "empty") as url:
        app = create_app(Settings.for_testing(tmp_path, url))
        browser = app.test_client()
        assert browser.get(JWKS).json == {"keys": []}
        ready = is_json(browser.get("/ready"), 503)
        assert (ready["status"], ready["checks"]["keys"]) == ("unavailable", "failed")
        assert browser.get(JWKS).json == {"keys": []}
        close(app)


STYLES = Path(__file__).parents[2] / "static" / "css" / "tokens.css"
# A kid, and what a server would check the signature with that followed it.
FOLLOWED: list[tuple[str, bytes]] = [
    ("../../../../../../dev/null", b""),
    ("/dev/null", b""),
    ("file:///dev/null", b""),
    ("../../static/css/tokens.css", STYLES.read_bytes()),
    (str(STYLES), STYLES.read_bytes()),
    (f"file://{STYLES}", STYLES.read_bytes()),
    ("../../static/css/tokens.css\x00.pem", STYLES.read_bytes()),
    ("' UNION SELECT 'key' --", b"key"),
    ("x' UNION SELECT 'key', 'key', 'key', 'key', 'key', 'key', 'key', 'key', 'key' --", b"key"),
    ("|echo key", b"key\n"),
    ("$(echo key)", b"key"),
    ("", b""),
]
NAMES: list[Any] = [
    *("../../etc/passwd", "..\\..\\etc\\passwd", "%2e%2e%2fetc%2fpasswd", "/proc/self/environ", "https://evil.test/k"),
    *("' or 1=1--", '" or ""="', "'; DROP TABLE signing_keys; --", "%", "_" * 43, "*", "${jndi:ldap://evil.test/k}"),
    *("a\r\nb: c", "\x00", "\ud800", "\u202e", "k" * 4000, "{0.__class__}", "current"),
    *(None, True, 0, -1, 1.5, 10**400, [], ["current"], {}, {"kid": "current"}),
]


@pytest.fixture(scope="module")
def good(parties: Parties) -> dict[str, Any]:
    """The tokens that others are made after."""
    return parties.web.tokens()


def presented(good: dict[str, Any], header: dict[str, Any], key: bytes | RSAKey, kind: str) -> str:
    """A token with the claims of a good one, under ``header``."""
    token = good[kind]
    by = by_hmac if isinstance(key, bytes) else by_rsa
    return by(key, {**id_tokens.header(token), **header}, id_tokens.claims(token))  # type: ignore[arg-type]


def is_refused_everywhere(parties: Parties, access: str, hint: str) -> None:
    """Nowhere is either of them worth anything, and nothing changes by asking."""
    is_challenged(parties.web.userinfo(access))
    assert introspected(parties, access) == INACTIVE
    auth = ("web", parties.web.secret or "")
    assert is_json(parties.nobody.post("/api/oauth/revoke", data={"token": access}, auth=auth)) == {}
    is_sent_back(parties.web.authorize(id_token_hint=hint, prompt="none"), "invalid_request")
    is_stopped(asked(parties.browser, id_token_hint=hint), "id_token_hint")
    is_accepted(parties.web.authorize(prompt="none"))


@pytest.mark.parametrize(("kid", "key"), FOLLOWED, ids=[ascii(kid)[:30] for kid, _ in FOLLOWED])
def test_h158_a_kid_is_not_followed_to_a_key_of_the_senders_choice(
    parties: Parties, good: dict[str, Any], kid: str, key: bytes
) -> None:
    access, hint = (presented(good, {"kid": kid}, key, kind) for kind in ("access_token", "id_token"))
    is_refused_everywhere(parties, access, hint)


@pytest.fixture(scope="module")
def foreign() -> RSAKey:
    """A key of somebody else."""
    return RSAKey.generate_key(2048)


@pytest.mark.parametrize("kid", NAMES, ids=lambda kid: ascii(kid)[:30])
def test_h158_a_kid_nobody_gave_is_only_unknown(
    parties: Parties, good: dict[str, Any], foreign: RSAKey, caplog: pytest.LogCaptureFixture, kid: object
) -> None:
    known = published(parties.nobody)
    access, hint = (presented(good, {"kid": kid}, foreign, kind) for kind in ("access_token", "id_token"))
    with caplog.at_level(logging.DEBUG):
        is_refused_everywhere(parties, access, hint)
    assert [record for record in caplog.records if record.exc_info or record.levelno >= logging.WARNING] == []
    assert not {access, hint} & set(caplog.text.split())
    assert published(parties.nobody) == known


@pytest.mark.parametrize("kid", ["../../etc/passwd", "' or 1=1--", "current"])
def test_h158_a_key_that_the_header_brings_is_not_taken(
    parties: Parties, good: dict[str, Any], foreign: RSAKey, kid: str
) -> None:
    for extra in (
        {"jwk": {**foreign.as_dict(private=False), "kid": kid}},
        {"jku": f"https://evil.test/{kid}"},
        {"x5u": f"file:///{kid}"},
    ):
        header = {"kid": kid, **extra}
        access, hint = (presented(good, header, foreign, kind) for kind in ("access_token", "id_token"))
        is_refused_everywhere(parties, access, hint)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_h158_the_kid_of_a_key_of_another_algorithm_is_unknown(
    parties: Parties, good: dict[str, Any], algorithm: str
) -> None:
    """Also where the sender signs with the public key itself, which everybody has."""
    keys = [key for key in published(parties.nobody)["keys"] if key["alg"] == algorithm]
    for key in keys:
        for secret in (id_tokens.encoded(key).encode(), KeySet.import_key_set({"keys": [key]}).keys[0].as_pem()):
            access, hint = (presented(good, {"kid": key["kid"]}, secret, kind) for kind in ("access_token", "id_token"))
            is_refused_everywhere(parties, access, hint)


@pytest.mark.parametrize("kid", ["../../etc/passwd", "' or 1=1--", None, ["current"]])
@pytest.mark.parametrize("path", ["token", "revoke", "introspect"])
def test_h158_an_assertion_proves_nothing_whatever_kid_it_names(
    parties: Parties, good: dict[str, Any], foreign: RSAKey, path: str, kid: object
) -> None:
    assertion = presented(good, {"kid": kid, "typ": "JWT"}, foreign, "id_token")
    form = {
        "grant_type": "refresh_token",
        "token": "x",
        "client_id": "web",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion,
    }
    is_refused(parties.nobody.post(f"/api/oauth/{path}", data=form), "invalid_client", 401)


def test_h158_a_kid_on_the_command_line_is_only_a_name(parties: Parties) -> None:
    known = published(parties.nobody)
    for kid in ("../../etc/passwd", "' or 1=1--", "'; DROP TABLE signing_keys; --", "%"):
        result = parties.run("keys", "retire", kid)
        assert (result.exit_code, "There is no key of that id." in result.output) == (1, True)
    assert published(parties.nobody) == known
