"""Sessions, grants and the denylist by the service API, and the portal in figures."""

from datetime import datetime
from typing import Any

import pytest
from flask import Flask

from tests.api.service.backends import Backend
from tests.clock import Clock
from tests.relying_party import RelyingParty, add_client, add_person, log_in

NOBODY = "7d9ee3c4-9a5b-4a43-8a2c-0d8a3f0f7c11"


class Scene:
    """Ada in two browsers and Bob in one; Ada's first holds tokens of ``web``."""

    def __init__(self, app: Flask) -> None:
        self.ada, self.bob = add_person(app), add_person(app, "bob@example.com")
        self.browsers = [app.test_client() for _ in range(3)]
        for browser, email in zip(
            self.browsers, ("ada@example.com", "ada@example.com", "bob@example.com"), strict=True
        ):
            assert log_in(browser, email).status_code == 303
        self.web = RelyingParty(self.browsers[0], "web", add_client(app, "web"))
        self.tokens = self.web.tokens()


@pytest.fixture
def scene(app: Flask) -> Scene:
    return Scene(app)


def test_sessions_are_listed_filtered_and_ended(app: Flask, backend: Backend, scene: Scene, clock: Clock) -> None:
    assert len(backend.all_pages("/sessions?state=active", "sessions", 2)) == 3
    (bobs,) = backend.get(f"/sessions?user_id={scene.bob}")["sessions"]
    assert (bobs["state"], bobs["ended_at"]) == ("active", None)
    backend.done("DELETE", f"/sessions/{bobs['id']}")
    assert scene.browsers[2].get("/account").status_code == 303
    backend.done("DELETE", f"/sessions/{bobs['id']}", status=404)
    backend.done("DELETE", f"/sessions/{NOBODY}", status=404)
    (ended,) = backend.get("/sessions?state=ended")["sessions"]
    assert (ended["id"], ended["end_reason"]) == (bobs["id"], "ended_by_administrator")
    clock.advance(hours=30)
    assert backend_again(app).get("/sessions?state=active")["sessions"] == []


def backend_again(app: Flask) -> Backend:
    """Another service: the token of the first one has run out."""
    return Backend(app, client_id="again")


def test_grants_are_listed_filtered_and_ended(backend: Backend, scene: Scene) -> None:
    (grant,) = backend.get("/tokens")["tokens"]
    assert (grant["client_id"], grant["user_id"], grant["state"]) == ("web", scene.ada, "active")
    assert "offline_access" in grant["scopes"]
    for query, count in (
        (f"user_id={scene.bob}", 0),
        (f"user_id={scene.ada}&client_id=web&state=active", 1),
        ("client_id=playground", 0),
        ("state=ended", 0),
        ("state=expired", 0),
    ):
        assert len(backend.get(f"/tokens?{query}")["tokens"]) == count, query
    assert backend.done("POST", "/tokens/revoke", {"grant_id": grant["id"]}) == {"ended": 1}
    assert backend.done("POST", "/tokens/revoke", {"grant_id": grant["id"]}) == {"ended": 0}
    assert scene.web.userinfo(scene.tokens["access_token"]).status_code == 401
    assert scene.web.refresh(scene.tokens["refresh_token"]).status_code == 400
    (ended,) = backend.get("/tokens?state=ended")["tokens"]
    assert ended["end_reason"] == "revoked_by_administrator"
    (denied,) = backend.get(f"/tokens/denylist?user_id={scene.ada}")["denylist"]
    assert (denied["client_id"], denied["reason"]) == ("web", "revoked_by_administrator")
    assert backend.get(f"/tokens/denylist?user_id={scene.bob}")["denylist"] == []
    assert len(backend.get("/tokens/denylist?client_id=web")["denylist"]) == 1


def test_the_denylist_is_read_page_by_page(backend: Backend, scene: Scene, clock: Clock) -> None:
    for _ in range(5):
        token = scene.web.tokens()["access_token"]
        assert backend.done("POST", "/tokens/revoke", {"token": token}) == {"ended": 1}
        clock.advance(seconds=1)
    listed = backend.all_pages("/tokens/denylist", "denylist", 2)
    assert len({each["jti"] for each in listed}) == 5
    assert listed == sorted(listed, key=lambda each: each["denied_at"], reverse=True)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"token": None},
        {"user_id": NOBODY, "client_id": "web"},
        {"token": "x", "user_id": NOBODY},
        {"user_id": "all"},
        {"token": 7},
    ],
)
def test_what_is_to_be_revoked_has_to_be_named(backend: Backend, scene: Scene, body: dict[str, Any]) -> None:
    assert backend.done("POST", "/tokens/revoke", body, 400)["error"] == "invalid_input"
    assert scene.web.userinfo(scene.tokens["access_token"]).status_code == 200


@pytest.mark.parametrize("named", ["refresh", "access", "user", "client"])
def test_tokens_are_revoked_by_whatever_names_them(backend: Backend, scene: Scene, named: str) -> None:
    body = {
        "refresh": {"token": scene.tokens["refresh_token"]},
        "access": {"token": scene.tokens["access_token"]},
        "user": {"user_id": scene.ada},
        "client": {"client_id": "web"},
    }[named]
    assert backend.done("POST", "/tokens/revoke", body) == {"ended": 1}
    assert scene.web.userinfo(scene.tokens["access_token"]).status_code == 401
    assert backend.done("POST", "/tokens/revoke", body) == {"ended": 0}
    assert scene.browsers[0].get("/account").status_code == 200


def test_tokens_of_nobody_are_not_found_and_unknown_ones_are_none(backend: Backend) -> None:
    assert backend.done("POST", "/tokens/revoke", {"token": "a.b.c"}) == {"ended": 0}
    backend.done("POST", "/tokens/revoke", {"user_id": NOBODY}, 404)
    for client_id in ("nobody", "a b", "\u0000"):
        assert backend.send("POST", "/tokens/revoke", {"client_id": client_id}).status_code in {400, 404}


def test_figures_agree_with_what_happened(app: Flask, backend: Backend, scene: Scene, clock: Clock) -> None:
    assert log_in(app.test_client(), password="a wrong guess").status_code == 401
    found = backend.get("/statistics?period=24h")
    assert found["users"]["total"] == len(backend.get("/users?limit=200")["users"])
    assert found["clients"]["total"] == len(backend.get("/clients?limit=200")["clients"])
    assert (found["users"]["administrators"], found["clients"]["active"]) == (1, found["clients"]["total"])
    assert found["sessions"] == {"open": 3, "people": 2}
    assert found["tokens"]["authorization_code"] == {"total": 1, "active": 1, "revoked": 0, "expired": 0}
    assert found["tokens"]["refresh_token"]["active"] == 1
    assert found["tokens"]["client_credentials"] == {"issued": 1}
    assert found["tokens"]["denylist"] == {"total": 0}
    assert len(found["history"]) == 24
    last = found["history"][-1]
    assert (last["logins"], last["failed_logins"], last["codes_redeemed"]) == (3, 1, 1)
    assert sum(each["logins"] for each in found["history"]) == 3
    # Spans follow one another, the last one is under way.
    begins, ends = ([each[name] for each in found["history"]] for name in ("begin", "end"))
    assert begins[1:] == ends[:-1]
    assert datetime.fromisoformat(begins[-1]) <= datetime.fromisoformat(found["at"]) < datetime.fromisoformat(ends[-1])
    scene.web.refresh(scene.tokens["refresh_token"])
    backend.done("POST", "/tokens/revoke", {"client_id": "web"})
    after = backend.get("/statistics")
    assert after["tokens"]["authorization_code"] == {"total": 1, "active": 0, "revoked": 1, "expired": 0}
    assert (after["tokens"]["refresh_token"]["total"], after["tokens"]["refresh_token"]["active"]) == (2, 0)
    assert after["tokens"]["denylist"]["total"] >= 1
    assert len(after["history"]) == 7
    clock.advance(days=8)
    later = backend_again(app).get("/statistics?period=7d")
    assert sum(each["logins"] for each in later["history"]) == 0
    assert later["sessions"]["open"] == 0
    assert sum(each["logins"] for each in backend_again_full(app)["history"]) == 3


def backend_again_full(app: Flask) -> Any:
    return Backend(app, client_id="once-more").get("/statistics?period=30d")
