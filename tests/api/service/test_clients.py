"""Clients by the service API: found, registered, changed, given new secrets, and never a way to more power."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from joserfc.jwk import ECKey

from app.api.service.answers import Client
from tests.api.service.backends import Backend
from tests.clock import Clock
from tests.relying_party import REDIRECT_URI

WEB = {"client_id": "web", "name": "웹", "redirect_uris": [REDIRECT_URI], "allowed_scopes": ["openid"]}
KEYS = {"keys": [ECKey.generate_key("P-256", {"kid": "one"}).as_dict(private=False)]}
SERVICE = {"client_id": "other", "grant_types": ["client_credentials"], "is_confidential": True}


def authenticates(app: Flask, client_id: str, secret: str) -> bool:
    """Whether a service gets a token with this secret."""
    form = {"grant_type": "client_credentials"}
    return app.test_client().post("/api/oauth/token", data=form, auth=(client_id, secret)).status_code == 200


def test_seeded_clients_are_listed_with_all_but_their_secrets(backend: Backend) -> None:
    found = {each["client_id"]: each for each in backend.get("/clients")["clients"]}
    assert {"maxplatform-service", "playground"} <= set(found)
    assert found["playground"].keys() == Client.model_fields.keys()
    assert found["maxplatform-service"]["grant_types"] == ["client_credentials"]
    assert backend.get("/clients/playground") == {**found["playground"], "secrets": []}
    assert "secret" not in str(found.values()).replace("client_secret", "")


def test_every_client_is_on_one_page_once_the_newest_first(backend: Backend, clock: Clock) -> None:
    for number in range(7):
        backend.done("POST", "/clients", {**WEB, "client_id": f"shop-{number}", "name": f"Shop {number}"}, 201)
    names = [each["client_id"] for each in backend.all_pages("/clients", "clients", 3)]
    assert len(names) == len(set(names))
    assert names == [each["client_id"] for each in backend.get("/clients?limit=200")["clients"]]
    assert {f"shop-{number}" for number in range(7)} <= set(names)


def test_clients_are_found_by_a_part_of_their_name_and_whether_they_are_active(backend: Backend) -> None:
    backend.done("POST", "/clients", WEB, 201)
    backend.done("POST", "/clients", {**WEB, "client_id": "a_b", "name": "100% Shop", "is_active": False}, 201)

    def found(query: str) -> list[str]:
        return [each["client_id"] for each in backend.get(f"/clients?{query}")["clients"]]

    assert found("search=%EC%9B%B9") == ["web"]
    assert found("search=SHOP") == found("search=100%25") == found("search=a_b") == ["a_b"]
    # What stands for anything in the database stands for itself here.
    assert found("search=%25%25") == found("search=_._") == []
    assert found("is_active=false") == ["a_b"]
    assert "a_b" not in found("is_active=true")


def test_a_client_is_registered_and_its_secret_shown_once(app: Flask, backend: Backend) -> None:
    made = backend.done("POST", "/clients", SERVICE, 201)
    assert authenticates(app, "other", made["client_secret"])
    assert "client_secret" not in backend.get("/clients/other")
    public = backend.done("POST", "/clients", WEB, 201)
    assert (public["client_secret"], public["is_confidential"]) == (None, False)
    assert public["name"] == "웹"


@pytest.mark.parametrize(
    "uri",
    [
        *("https://*.example.com/cb", "https://app.example.com/cb#x", "http://app.example.com/cb", "/cb"),
        *("javascript:alert(1)//x", "https://a:b@app.example.com/cb", "http://0.0.0.0/cb", "data:text/html,x"),
    ],
)
def test_o247_addresses_that_are_none_are_refused_and_nothing_is_made(backend: Backend, uri: str) -> None:
    assert backend.done("POST", "/clients", {**WEB, "redirect_uris": [uri]}, 400)["error"] == "invalid_input"
    backend.get("/clients/web", 404)
    backend.done("POST", "/clients", WEB, 201)
    assert backend.done("PATCH", "/clients/web", {"redirect_uris": [uri]}, 400)["error"] == "invalid_input"
    assert backend.get("/clients/web")["redirect_uris"] == [REDIRECT_URI]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"client_id": "playground"}, "client_id"),
        ({"client_id": "portal"}, "client_id"),
        ({"client_id": "a b"}, "client_id"),
        ({"allowed_scopes": ["no-such"]}, "scope"),
        ({"allowed_scopes": "openid"}, "allowed_scopes"),
        ({"auth_method": "tls_client_auth"}, "auth_method"),
        ({"consent_policy": "never"}, "consent_policy"),
        ({"access_token_seconds": 1}, "lifetime"),
        ({"access_token_seconds": "900"}, "access_token_seconds"),
        ({"name": "\u202e"}, "name"),
        ({"name": "a\u0000b"}, "name"),
        ({"owner_id": "7d9ee3c4-9a5b-4a43-8a2c-0d8a3f0f7c11"}, "owner"),
        ({"jwks_uri": "http://169.254.169.254/keys"}, "jwks_uri"),
        ({"logo_uri": "file:///etc/passwd"}, "logo"),
    ],
)
def test_what_cannot_be_registered_is_named(backend: Backend, change: dict[str, Any], field: str) -> None:
    refused = backend.done("POST", "/clients", {**WEB, **change}, 400)
    assert refused["error"] == "invalid_input"
    assert [each["field"] for each in refused["fields"]] == [field], refused


def test_a_change_counts_at_once_and_leaves_the_rest(app: Flask, backend: Backend) -> None:
    before = backend.done("POST", "/clients", {**WEB, "contacts": ["ops@example.com"]}, 201)
    changed = backend.done("PATCH", "/clients/web", {"name": "Shop", "home_uri": "https://shop.example/"})
    moved = {name for name in changed if changed[name] != before[name]}
    assert moved <= {"name", "home_uri", "updated_at"}
    assert changed["home_uri"] == "https://shop.example/"
    assert backend.done("PATCH", "/clients/web", {"home_uri": None})["home_uri"] is None
    assert backend.done("PATCH", "/clients/web", {})["contacts"] == ["ops@example.com"]


def test_a_stopped_client_can_be_let_in_again_and_a_deleted_one_is_gone(app: Flask, backend: Backend) -> None:
    secret = backend.done("POST", "/clients", {**SERVICE, "allowed_scopes": ["admin:users"]}, 201)["client_secret"]
    assert backend.done("PATCH", "/clients/other", {"is_active": False})["is_active"] is False
    assert not authenticates(app, "other", secret)
    assert backend.done("PATCH", "/clients/other", {"is_active": True})["is_active"] is True
    assert authenticates(app, "other", secret)
    backend.done("DELETE", "/clients/other")
    backend.done("DELETE", "/clients/other", status=404)
    assert not authenticates(app, "other", secret)


def test_o246_a_new_secret_is_shown_once_and_the_old_one_refused(app: Flask, backend: Backend) -> None:
    old = backend.done("POST", "/clients", {**SERVICE, "allowed_scopes": ["admin:users"]}, 201)["client_secret"]
    new = backend.done("POST", "/clients/other/regenerate-secret")
    assert new.keys() == {"client_id", "client_secret"}
    assert (authenticates(app, "other", old), authenticates(app, "other", new["client_secret"])) == (False, True)
    assert new["client_secret"] not in str(backend.get("/clients/other"))


def test_a_rotation_has_no_gap_where_an_overlap_is_asked_for(app: Flask, backend: Backend, clock: Clock) -> None:
    old = backend.done("POST", "/clients", {**SERVICE, "allowed_scopes": ["admin:users"]}, 201)["client_secret"]
    new = backend.done("POST", "/clients/other/regenerate-secret", {"overlap_seconds": 3600})["client_secret"]
    assert (authenticates(app, "other", old), authenticates(app, "other", new)) == (True, True)
    newest, former = backend.get("/clients/other")["secrets"]
    assert newest["expires_at"] is None
    assert former["expires_at"] is not None
    clock.advance(seconds=timedelta(hours=1).total_seconds() + 1)
    assert (authenticates(app, "other", old), authenticates(app, "other", new)) == (False, True)
    for seconds in (-1, 31 * 86400, "60"):
        backend.done("POST", "/clients/other/regenerate-secret", {"overlap_seconds": seconds}, 400)


def test_one_of_two_secrets_is_ended_at_once(app: Flask, backend: Backend) -> None:
    old = backend.done("POST", "/clients", {**SERVICE, "allowed_scopes": ["admin:users"]}, 201)["client_secret"]
    new = backend.done("POST", "/clients/other/regenerate-secret", {"overlap_seconds": 3600})["client_secret"]
    newest, _ = backend.get("/clients/other")["secrets"]
    backend.done("DELETE", f"/clients/other/secrets/{newest['id']}")
    assert (authenticates(app, "other", old), authenticates(app, "other", new)) == (True, False)
    (left,) = backend.get("/clients/other")["secrets"]
    backend.done("DELETE", f"/clients/other/secrets/{left['id']}", status=400)


def test_a_public_client_has_no_secret(backend: Backend) -> None:
    backend.done("POST", "/clients", WEB, 201)
    assert backend.done("POST", "/clients/web/regenerate-secret", status=400)["error"] == "invalid_input"


def test_a_client_that_signs_is_registered_with_its_public_keys(backend: Backend) -> None:
    signs = {**SERVICE, "auth_method": "private_key_jwt", "jwks": KEYS}
    made = backend.done("POST", "/clients", signs, 201)
    assert made["client_secret"] is None
    (kept,) = made["jwks"]["keys"]
    assert (kept["kid"], "d" in kept) == ("one", False)
    private = {"keys": [ECKey.generate_key("P-256").as_dict(private=True)]}
    for keys in (private, {"keys": []}, {}, {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}):
        assert backend.done("PATCH", "/clients/other", {"jwks": keys}, 400)["error"] == "invalid_input"


# No service gets further by another one.


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/clients/strong/regenerate-secret", None),
        ("PATCH", "/clients/strong", {"auth_method": "private_key_jwt", "jwks": KEYS}),
        ("PATCH", "/clients/strong", {"name": "Mine"}),
        ("PATCH", "/clients/weak", {"allowed_scopes": ["admin:full"]}),
        ("PATCH", "/clients/service-admin-oauth", {"allowed_scopes": ["admin:oauth", "admin:full"]}),
        ("POST", "/clients", {**SERVICE, "client_id": "tool", "allowed_scopes": ["admin:full"]}),
        ("DELETE", "/clients/strong", None),
    ],
)
def test_a_service_gets_no_further_by_another_one(
    app: Flask, backend: Backend, method: str, path: str, body: dict[str, Any] | None
) -> None:
    backend.done("POST", "/clients", {**SERVICE, "client_id": "strong", "allowed_scopes": ["admin:full"]}, 201)
    backend.done("POST", "/clients", {**SERVICE, "client_id": "weak", "allowed_scopes": ["admin:oauth"]}, 201)
    lesser = Backend(app, "admin:oauth", allowed=("admin:oauth",))
    refused = lesser.done(method, path, body, 403)
    assert refused == {"detail": "Missing required scopes: admin:full"}
    backend.get("/clients/tool", 404)
    assert backend.get("/clients/strong")["allowed_scopes"] == ["admin:full"]
    # What reaches as far as its own token, it may do; and what concerns its own secret.
    assert lesser.done("POST", "/clients/weak/regenerate-secret")
    assert lesser.done("POST", f"/clients/{lesser.client_id}/regenerate-secret")


def test_o253_what_was_named_to_break_a_log_is_refused(backend: Backend) -> None:
    for name in ("a\r\nb", "\x1b[31mred", "a\u2028b"):
        assert backend.done("POST", "/clients", {**WEB, "name": name}, 400)["error"] == "invalid_input"


def test_the_portals_own_client_is_not_changed(app: Flask, backend: Backend) -> None:
    assert backend.done("PATCH", "/clients/portal", {"name": "x"}, 404)["error"] == "not_found"
    assert backend.done("POST", "/clients", {**WEB, "client_id": "portal"}, 400)["error"] == "invalid_input"
