"""Permissions and roles by the service API: made, foreseen, changed; who may do what; what tokens are worth."""

from typing import Any

import pytest
from flask import Flask

from tests.api.service.backends import Backend
from tests.relying_party import EMAIL, RelyingParty, add_client, add_person, log_in

NOWHERE = "7d9ee3c4-9a5b-4a43-8a2c-0d8a3f0f7c11"
REPORTS = {"name": "manage:reports", "sentence_en": "Manage your reports", "sentence_ko": "보고서를 관리합니다"}


@pytest.fixture
def ada(app: Flask) -> str:
    return add_person(app)


def role_id(backend: Backend, name: str) -> str:
    (found,) = [each["id"] for each in backend.all_pages("/roles", "roles", 1) if each["name"] == name]
    return str(found)


def message(answer: dict[str, Any]) -> str:
    assert answer["error"] == "invalid_input", answer
    return str(answer["error_description"])


def test_permissions_are_declared_listed_and_removed(backend: Backend) -> None:
    assert backend.done("POST", "/permissions", REPORTS, 201) == {**REPORTS, "is_builtin": False}
    assert "of that name already" in message(backend.done("POST", "/permissions", REPORTS, 400))
    listed = {each["name"]: each["is_builtin"] for each in backend.get("/permissions")["permissions"]}
    assert (listed["manage:reports"], listed["admin:access"], len(listed)) == (False, True, 16)
    editor = backend.done("POST", "/roles", {"name": "editor", "permissions": ["manage:reports"]}, 201)
    assert "A role carries" in message(backend.done("DELETE", "/permissions/manage:reports", status=400))
    backend.done("PATCH", f"/roles/{editor['id']}", {"remove": ["manage:reports"]})
    backend.done("DELETE", "/permissions/manage:reports")
    backend.done("DELETE", "/permissions/manage:reports", status=404)
    assert "stays" in message(backend.done("DELETE", "/permissions/manage:teams", status=400))


def test_a_role_is_made_changed_renamed_and_removed(backend: Backend) -> None:
    made = backend.done("POST", "/roles", {"name": "편집자", "permissions": ["manage:teams", "manage:teams"]}, 201)
    assert (made["name"], made["permissions"], made["holders"], made["is_builtin"]) == (
        *("편집자", ["manage:teams"], 0, False),
    )
    path = f"/roles/{made['id']}"
    assert backend.get(path.upper().replace("ROLES", "roles")) == made
    for change, permissions in (
        ({"add": ["manage:apis"]}, ["manage:apis", "manage:teams"]),
        ({"remove": ["manage:teams"]}, ["manage:apis"]),
        ({"permissions": ["manage:models"]}, ["manage:models"]),
        ({"permissions": []}, []),
    ):
        assert backend.done("PATCH", path, change)["permissions"] == permissions
    assert backend.done("PATCH", path, {"name": "editor"})["name"] == "editor"
    backend.done("DELETE", path)
    for method, body in (("GET", None), ("PATCH", {"name": "x"}), ("DELETE", None)):
        backend.done(method, path, body, 404)


NO_CHANGES: list[dict[str, Any]] = [
    {},
    {"name": "x", "add": ["manage:teams"]},
    {"name": "Admin"},
    {"name": "two words"},
    {"name": "\u200b"},
    {"add": ["manage:nothing"]},
    {"add": ["Nothing"]},
    {"add": ["admin:access"]},
    {"permissions": ["admin:access"]},
    {"permissions": "manage:teams"},
    {"add": [7]},
]


def test_what_a_role_cannot_become_is_refused_and_foreseen_as_refused(backend: Backend) -> None:
    made = backend.done("POST", "/roles", {"name": "editor", "permissions": ["manage:teams"]}, 201)
    path = f"/roles/{made['id']}"
    for change in NO_CHANGES:
        told = message(backend.done("PATCH", path, change, 400))
        assert told == message(backend.done("POST", f"{path}/preview", change, 400)), change
    assert backend.get(path) == made


def test_what_is_taken_from_a_role_is_foreseen_and_counts_at_the_next_use(
    app: Flask, backend: Backend, ada: str
) -> None:
    browser = app.test_client()
    log_in(browser)
    scope = "openid offline_access manage:models manage:apis"
    client = RelyingParty(browser, "web", add_client(app, "web", is_confidential=True, scopes=scope.split()))
    tokens = client.tokens(scope=scope)
    member, change = role_id(backend, "member"), {"remove": ["manage:models"]}
    told = backend.done("POST", f"/roles/{member}/preview", change)
    assert (told["people"], told["logged_out"], told["losses"], told["gains"]) == (1, 0, {"manage:models": 1}, {})
    assert told["grants"]["stop"] == [{"client_id": "web", "scope": "manage:models", "grants": 1}]
    (person,) = told["listed"]
    assert (person["email"], person["losses"], person["is_logged_out"]) == (EMAIL, ["manage:models"], False)
    assert person["places"] == [
        {"group": "MAX", "role_before": "member", "role_after": "member", "gains": [], "losses": ["manage:models"]}
    ]
    asked = {"token": tokens["access_token"]}

    def introspected() -> str:
        answer = browser.post("/api/oauth/introspect", data=asked, auth=("web", client.secret))
        return str(answer.json["scope"])

    assert introspected() == scope
    backend.done("PATCH", f"/roles/{member}", change)
    assert introspected() == "openid offline_access manage:apis"
    renewed = client.refresh(tokens["refresh_token"]).json
    assert renewed["scope"] == "openid offline_access manage:apis"
    assert "manage:models" not in client.tokens(scope=scope)["scope"].split()
    told = backend.done("POST", f"/roles/{member}/preview", {"add": ["manage:models"]})
    assert told["grants"]["count_again"] == [{"client_id": "web", "scope": "manage:models", "grants": 1}]
    backend.done("PATCH", f"/roles/{member}", {"add": ["manage:models"]})
    asked["token"] = renewed["access_token"]
    assert client.refresh(renewed["refresh_token"]).json["scope"] == scope


def test_a_role_that_is_held_goes_for_another_and_logs_its_people_out(app: Flask, backend: Backend, ada: str) -> None:
    editor = backend.done("POST", "/roles", {"name": "editor"}, 201)["id"]
    reader = backend.done("POST", "/roles", {"name": "reader", "permissions": ["manage:teams"]}, 201)["id"]
    backend.done("PATCH", f"/users/{ada}", {"role": "editor"})
    browser = app.test_client()
    log_in(browser)
    assert "Say which one" in message(backend.done("DELETE", f"/roles/{editor}", status=400))
    told = backend.done("POST", f"/roles/{editor}/deletion/preview", {"replacement_id": reader})
    assert (told["people"], told["logged_out"], told["gains"]) == (1, 1, {"manage:teams": 1})
    assert browser.get("/account").status_code == 200
    backend.done("DELETE", f"/roles/{editor}?replacement_id={reader}")
    assert browser.get("/account").status_code == 303
    assert [each["role"] for each in backend.get(f"/users/{ada}")["groups"]] == ["reader"]
    for method, path, body in (
        ("DELETE", f"/roles/{reader}?replacement_id={NOWHERE}", None),
        ("POST", f"/roles/{reader}/deletion/preview", {"replacement_id": NOWHERE}),
    ):
        backend.done(method, path, body, 404)


def test_who_may_and_why(backend: Backend, ada: str) -> None:
    for name in ("editor", "reader"):
        backend.done("POST", "/roles", {"name": name, "permissions": ["manage:teams"] * (name == "editor")}, 201)
    lab = backend.done("POST", "/groups", {"name": "Lab"}, 201)["id"]
    backend.done("PUT", f"/groups/{lab}/members/{ada}", {"role": "editor"})
    who = "/permissions/manage:teams/people"
    assert [each["email"] for each in backend.all_pages(who, "people", 1)] == ["admin@example.com"]
    (told,) = backend.get(f"{who}?group_id={lab}")["people"]
    assert (told["email"], told["role"], told["group"]) == (EMAIL, "editor", "Lab")
    why = backend.get(f"/users/{ada}/permissions/manage:teams")
    assert (why["is_allowed"], [each["carries"] for each in why["reasons"]]) == (False, [True, False])
    backend.get(f"{who}?group_id={NOWHERE}", 404)
    backend.get("/permissions/manage:nothing/people", 404)
    backend.get("/permissions/%00/people", 404)
    backend.get(f"/users/{NOWHERE}/permissions/manage:teams", 404)
    backend.get(f"/users/{ada}/permissions/nothing", 404)
    backend.get(f"{who}?group=Lab", 400)


def test_what_administrators_may_is_not_every_services_affair(app: Flask, backend: Backend) -> None:
    lesser, admin = Backend(app, "admin:users"), role_id(backend, "admin")
    for change in ({"remove": ["manage:teams"]}, {"permissions": ["admin:access"]}):
        refused = lesser.done("PATCH", f"/roles/{admin}", change, 403)
        assert refused == {"detail": "Missing required scopes: admin:full"}
        assert "manage:apis" in lesser.get(f"/roles/{admin}")["permissions"]
        assert lesser.done("POST", f"/roles/{admin}/preview", change)["people"] == 1
        backend.done("PATCH", f"/roles/{admin}", change)


def test_o252_what_is_changed_is_on_record_with_its_actor(backend: Backend) -> None:
    backend.done("POST", "/permissions", REPORTS, 201)
    made = backend.done("POST", "/roles", {"name": "editor", "permissions": ["manage:reports"]}, 201)
    backend.done("PATCH", f"/roles/{made['id']}", {"permissions": ["manage:teams"]})
    backend.done("PATCH", f"/roles/{made['id']}", {"name": "writer"})
    backend.done("DELETE", f"/roles/{made['id']}")
    told = [
        (each["action"], each["details"])
        for each in backend.get("/audit?limit=200")["records"]
        if each["actor"] == backend.client_id and each["action"].split(":")[0] in {"role", "permission"}
    ]
    assert sorted(
        (action, sorted(details.items() - {("request", details["request"])})) for action, details in told
    ) == [
        ("permission:declared", [("permission", "manage:reports")]),
        ("role:changed", [("former", "editor"), ("role", "writer")]),
        ("role:changed", [("gained", "manage:teams"), ("lost", "manage:reports"), ("role", "editor")]),
        ("role:created", [("permissions", "manage:reports"), ("role", "editor")]),
        ("role:deleted", [("role", "writer")]),
    ]
