"""How applications fare, by the service API and the command: the same answers at both doors."""

import json
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.api.service.insight_models import AddressVerdict
from app.models import AuditLog, Base
from app.services.foundation.environment import NOBODY
from app.services.tokens.tokens import AccessGrant, InvalidToken
from app.services.tokens.unsigned import said_in
from tests.api.service.backends import Backend
from tests.cli.test_commands import run
from tests.relying_party import EMAIL, REDIRECT_URI, RelyingParty, add_client, add_person, log_in

CLIENT_ID = "web"


def test_an_address_is_judged_alike_by_the_api_and_the_command(app: Flask, backend: Backend) -> None:
    add_client(app, CLIENT_ID)
    uri = f"{REDIRECT_URI}/"
    asked = {"uri": uri, "type": "popup", "client_id": CLIENT_ID}
    verdict = backend.done("POST", "/redirect-uri-advice", asked)
    assert verdict.keys() == AddressVerdict.model_fields.keys()
    assert ([each["code"] for each in verdict["advice"]], verdict["level"]) == (["slash"], "warning")
    assert (
        json.loads(run(app, "clients", "check-uri", uri, "--type", "popup", "--client", CLIENT_ID, "--json")) == verdict
    )
    assert "warning: Another address" in run(app, "clients", "check-uri", uri, "--type", "popup", "--client", CLIENT_ID)
    assert backend.get(f"/clients/{CLIENT_ID}")["redirect_uris"] == [REDIRECT_URI]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"uri": REDIRECT_URI}, 400),
        ({"uri": REDIRECT_URI, "type": "spa"}, 400),
        ({"uri": [REDIRECT_URI], "type": "popup"}, 400),
        ({"uri": "x" * 4001, "type": "popup"}, 400),
        ({"uri": REDIRECT_URI, "type": "popup", "client_id": "nobody"}, 404),
    ],
)
def test_what_cannot_be_judged_is_refused(backend: Backend, body: dict[str, str], status: int) -> None:
    answer = backend.done("POST", "/redirect-uri-advice", body, status)
    assert REDIRECT_URI not in json.dumps(answer)


def test_the_command_takes_what_terminals_send(app: Flask) -> None:
    assert "error: " in run(app, "clients", "check-uri", "https://앱.example.com/*", "--type", "native")
    assert "Invalid value" in run(app, "clients", "check-uri", REDIRECT_URI, "--type", "spa", fails=True)


def preview(backend: Backend, scope: str, **more: str) -> Any:
    return backend.done("POST", f"/clients/{CLIENT_ID}/token-preview", {"user": EMAIL, "scope": scope, **more})


def rows(app: Flask) -> dict[str, int]:
    """How many rows each table has, but for what tells that somebody looked."""
    with app.app_context():
        db = app.extensions["services"].db
        return {
            each.name: db.session.scalar(sa.select(sa.func.count()).select_from(each))
            for each in Base.metadata.sorted_tables
            if each.name not in {"oauth_audit_logs", "audit_seals", "audit_chain"}
        }


SAME = ("at_hash", "jti", "sid", "iat", "exp", "auth_time", "nonce")
"""Claims that differ from token to token."""


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"lean_id_token": True, "access_token_seconds": 77, "id_token_signed_response_alg": "ES256"},
        {"is_confidential": True, "grants": ["authorization_code"]},
    ],
)
def test_a_preview_says_what_tokens_then_say(app: Flask, backend: Backend, fields: dict[str, Any]) -> None:
    add_person(app)
    scope = "openid profile email read:groups offline_access"
    secret = add_client(app, CLIENT_ID, scopes=scope.split(), **fields)
    before = rows(app)
    seen = preview(backend, scope)
    assert rows(app) == before
    party = RelyingParty(app.test_client(), CLIENT_ID, secret)
    log_in(party.browser)
    tokens = party.tokens(scope=scope)
    real = {"access_token": said_in(tokens["access_token"]), "id_token": said_in(tokens["id_token"])}
    for name, claims in real.items():
        assert seen[name].keys() == claims.keys() - {"nonce"}, name
        assert {key: value for key, value in seen[name].items() if key not in SAME} == {
            key: value for key, value in claims.items() if key not in SAME
        }
        assert seen[name]["exp"] - seen[name]["iat"] == claims["exp"] - claims["iat"] == seen["lifetimes"]["access"]
    assert seen["userinfo"] == party.userinfo(tokens["access_token"]).json
    assert (seen["next_step"], seen["granted"], seen["left_out"]) == ("issue", scope.split(), [])
    assert seen["lifetimes"]["refresh"] == tokens.get("refresh_expires_in")


def test_a_preview_says_what_is_left_out_and_what_is_asked(app: Flask, backend: Backend) -> None:
    add_person(app)
    allowed = ["openid", "email", "manage:teams", "admin:users"]
    add_client(app, CLIENT_ID, scopes=allowed, optional_scopes=["email"], consent_policy="once")
    seen = preview(backend, "openid email profile manage:teams admin:users nonsense")
    assert {each["scope"]: each["reason"] for each in seen["left_out"]} == {
        "profile": "not_registered",
        "manage:teams": "permission_missing",
        "admin:users": "of_services",
        "nonsense": "unknown",
    }
    assert (seen["next_step"], seen["granted"]) == ("consent", ["openid", "email"])
    assert {each["scope"]: each["is_optional"] for each in seen["consent"]} == {"openid": False, "email": True}
    assert seen["access_token"]["scope"] == "openid email"
    assert "signature" not in json.dumps(seen)
    # What the person left out before is left out here, and nobody is asked again.
    with app.app_context():
        services = app.extensions["services"]
        person, client = services.accounts.find(EMAIL), services.clients.get(CLIENT_ID)
        services.consents.grant(person.id, client, ["openid"], NOBODY, ["email"])
        services.db.commit()
    again = preview(backend, "openid email")
    assert (again["next_step"], again["granted"], again["consent"]) == ("issue", ["openid"], [])
    assert [each["reason"] for each in again["left_out"]] == ["declined"]


def test_a_preview_of_what_would_be_refused_shows_nobody_s_data(app: Flask, backend: Backend) -> None:
    person = add_person(app)
    add_client(app, CLIENT_ID)
    add_client(app, "service", redirects=[], grants=["client_credentials"], is_confidential=True)
    nothing = preview(backend, "nonsense")
    assert (nothing["next_step"], nothing["error"]) == ("refused", "invalid_scope")
    service = backend.done("POST", "/clients/service/token-preview", {"user": person})
    assert (service["error"], service["access_token"]) == ("unauthorized_client", None)
    run(app, "clients", "disable", CLIENT_ID)
    assert preview(backend, "openid")["error"] == "invalid_client"
    run(app, "clients", "enable", CLIENT_ID)
    run(app, "users", "disable", EMAIL)
    disabled = preview(backend, "openid")
    assert (disabled["error"], disabled["userinfo"]) == ("login_required", None)
    backend.done("POST", f"/clients/{CLIENT_ID}/token-preview", {"user": "nobody@example.com"}, 404)
    backend.done("POST", "/clients/nobody/token-preview", {"user": person}, 404)
    backend.done("POST", f"/clients/{CLIENT_ID}/token-preview", {"scope": "openid"}, 400)
    many = " ".join(f"a{number}" for number in range(101))
    backend.done("POST", f"/clients/{CLIENT_ID}/token-preview", {"user": person, "scope": many}, 400)


def test_looking_is_on_record_with_who_was_looked_at(app: Flask, backend: Backend) -> None:
    person = add_person(app)
    add_client(app, CLIENT_ID)
    preview(backend, "openid x.y.z-SECRET")
    assert json.loads(run(app, "clients", "preview", CLIENT_ID, EMAIL, "--scope", "openid", "--json"))["granted"] == [
        "openid"
    ]
    assert "nothing is good anywhere" in run(app, "clients", "preview", CLIENT_ID, EMAIL)
    with app.app_context():
        wanted = sa.select(AuditLog).where(AuditLog.action == "oauth:token:previewed")
        found = list(app.extensions["services"].db.session.scalars(wanted))
    assert [(each.user_id, each.client_id) for each in found] == [(person, CLIENT_ID)] * 3
    assert sorted(each.actor for each in found) == ["operator", "operator", backend.client_id]
    assert "SECRET" not in json.dumps([each.details for each in found])


def test_a_signature_of_zeros_is_never_good(app: Flask) -> None:
    """Whatever a preview makes on its way is no token, and is as long as one."""
    add_person(app)
    add_client(app, CLIENT_ID)
    with app.app_context():
        services = app.extensions["services"]
        subject = services.claims.subject(services.accounts.find(EMAIL).id)
        now, client = services.clock(), services.clients.get(CLIENT_ID)
        grant = AccessGrant(subject, client, "openid", "s", now, "j", now, now + timedelta(minutes=1))
        unsigned, signed = services.unsigned_tokens.access_token(grant), services.tokens.access_token(grant)
        assert len(unsigned) == len(signed)
        assert said_in(unsigned) == said_in(signed)
        services.tokens.read_access_token(signed)
        with pytest.raises(InvalidToken):
            services.tokens.read_access_token(unsigned)
