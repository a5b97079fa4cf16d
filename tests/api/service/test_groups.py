"""Groups, workspaces and who is in them by the service API; administrators only by those who reach everywhere."""

from typing import Any

import pytest
from flask import Flask

from tests.api.service.backends import Backend
from tests.mailbox import received
from tests.relying_party import EMAIL, RelyingParty, add_client, add_person, log_in

NOWHERE = "7d9ee3c4-9a5b-4a43-8a2c-0d8a3f0f7c11"
FULL = {"detail": "Missing required scopes: admin:full"}


@pytest.fixture
def ada(app: Flask) -> str:
    return add_person(app)


def group_id(backend: Backend, name: str) -> str:
    (found,) = [each["id"] for each in backend.all_pages("/groups", "groups", 1) if each["name"] == name]
    return str(found)


def made(backend: Backend, name: str, kind: str = "group") -> str:
    return str(backend.done("POST", "/groups", {"name": name, "kind": kind}, 201)["id"])


def places(answer: dict[str, Any]) -> list[tuple[str, str, bool]]:
    return [(each["group"], each["role"], each["is_primary"]) for each in answer["groups"]]


def test_a_group_is_made_found_renamed_and_removed(backend: Backend) -> None:
    lab = made(backend, " R&D  연구소 ", "workspace")
    assert {**backend.get(f"/groups/{lab}"), "created_at": ""} == {
        **{"id": lab, "name": "R&D 연구소", "kind": "workspace", "members": 0, "created_at": "", "allows_acting": False}
    }
    assert [each["name"] for each in backend.get("/groups?kind=workspace&search=r%26d")["groups"]] == ["R&D 연구소"]
    assert backend.get("/groups?kind=group&search=r%26d")["groups"] == []
    assert backend.done("PATCH", f"/groups/{lab}", {"name": "Lab"})["name"] == "Lab"
    backend.done("DELETE", f"/groups/{lab}")
    for method, body in (("GET", None), ("PATCH", {"name": "x"}), ("DELETE", None)):
        backend.done(method, f"/groups/{lab}", body, 404)


NO_GROUPS: list[dict[str, Any]] = [
    *({}, {"name": None}, {"name": "Lab", "kind": "team"}),
    *({"name": name} for name in ("", "\u200b", "a\nb", "x" * 101, "MAX", "\uff4d\uff41\uff58", "\ufdfa" * 40)),
]


def test_what_is_no_group_is_refused(backend: Backend) -> None:
    before = backend.get("/groups")["groups"]
    for body in NO_GROUPS:
        assert backend.done("POST", "/groups", body, 400)["error"] in {"invalid_input", "invalid_request"}, body
    assert backend.get("/groups")["groups"] == before


def test_claims_follow_a_group_wherever_somebody_is(app: Flask, backend: Backend, ada: str) -> None:
    """In a group besides the primary one, people stay logged in."""
    browser = app.test_client()
    log_in(browser)
    client = RelyingParty(browser, "web", add_client(app, "web", is_confidential=True))
    token = client.tokens()["access_token"]

    def claims() -> tuple[list[str], list[str], str]:
        said = client.userinfo(token).json
        return said["groups"], said["workspaces"], said["group_name"]

    lab, space = made(backend, "Lab"), made(backend, "Space", "workspace")
    assert claims() == (["MAX"], [], "MAX")
    for path in (lab, space, space):
        backend.done("PUT", f"/groups/{path}/members/{ada}", {})
    assert claims() == (["Lab", "MAX"], ["Space"], "MAX")
    backend.done("PATCH", f"/groups/{space}", {"name": "Room"})
    assert claims() == (["Lab", "MAX"], ["Room"], "MAX")
    backend.done("DELETE", f"/groups/{lab}/members/{ada}")
    backend.done("DELETE", f"/groups/{space}")
    assert claims() == (["MAX"], [], "MAX")
    assert received(app) == []


def test_another_primary_group_logs_out_and_is_told(app: Flask, backend: Backend, ada: str) -> None:
    browser = app.test_client()
    log_in(browser)
    client = RelyingParty(browser, "web", add_client(app, "web", is_confidential=True))
    tokens = client.tokens()
    lab = made(backend, "Lab")
    told = backend.done("POST", f"/groups/{lab}/members/{ada}/preview", {"is_primary": True})
    assert (told["people"], told["logged_out"], told["grants"]["ended"]) == (1, 1, {"web": 1})
    (person,) = told["listed"]
    assert (person["before"]["group"], person["after"]["group"]) == ("MAX", "Lab")
    assert person["after"]["groups"] == ["Lab", "MAX"]
    assert client.userinfo(tokens["access_token"]).status_code == 200
    answer = backend.done("PUT", f"/groups/{lab}/members/{ada}", {"is_primary": True})
    assert places(answer) == [("Lab", "member", True), ("MAX", "member", False)]
    assert client.userinfo(tokens["access_token"]).status_code == 401
    assert client.refresh(tokens["refresh_token"]).status_code == 400
    assert browser.get("/account").status_code == 303
    (mail,) = received(app)
    assert (mail.template, mail.values["group"]) == ("primary_group_changed", "Lab")
    own = group_id(backend, "MAX")
    for query, status in (("", 400), (f"?primary_group_id={NOWHERE}", 404), (f"?primary_group_id={lab}", 400)):
        backend.done("DELETE", f"/groups/{lab}/members/{ada}{query}", status=status)
    told = backend.done("POST", f"/groups/{lab}/members/{ada}/removal/preview", {"primary_group_id": own})
    assert told["listed"][0]["after"]["group"] == "MAX"
    answer = backend.done("DELETE", f"/groups/{lab}/members/{ada}?primary_group_id={own}")
    assert places(answer) == [("MAX", "member", True)]
    assert places(backend.done("DELETE", f"/groups/{lab}/members/{ada}")) == [("MAX", "member", True)]


def test_a_group_that_goes_says_first_what_becomes_of_its_people(backend: Backend, ada: str) -> None:
    lab, office = made(backend, "Lab"), made(backend, "Office")
    backend.done("PUT", f"/groups/{lab}/members/{ada}", {"is_primary": True})
    assert "Say which one" in backend.done("DELETE", f"/groups/{lab}", status=400)["error_description"]
    assert "Say which one" in backend.done("POST", f"/groups/{lab}/deletion/preview", {}, 400)["error_description"]
    told = backend.done("POST", f"/groups/{lab}/deletion/preview", {"primary_group_id": office})
    (person,) = told["listed"]
    assert {(each["group"], each["role_before"], each["role_after"]) for each in person["places"]} == {
        ("Lab", "member", None),
        ("Office", None, "member"),
    }
    backend.done("DELETE", f"/groups/{lab}?primary_group_id={office}")
    assert places(backend.get(f"/users/{ada}")) == [("MAX", "member", False), ("Office", "member", True)]
    own = group_id(backend, "MAX")
    assert "own group" in backend.done("DELETE", f"/groups/{own}", status=400)["error_description"]


def test_members_are_listed_once_page_by_page(app: Flask, backend: Backend, ada: str) -> None:
    lab = made(backend, "Lab")
    people = [add_person(app, f"p{number}@example.com") for number in range(5)]
    for person in people:
        backend.done("PUT", f"/groups/{lab}/members/{person}", {})
    listed = [each["user_id"] for each in backend.all_pages(f"/groups/{lab}/members", "members", 2)]
    assert sorted(listed) == sorted(people)
    assert backend.get(f"/groups/{lab}")["members"] == 5
    backend.get(f"/groups/{NOWHERE}/members", 404)
    backend.get(f"/groups/{lab}/members?cursor=x", 400)


NO_MEMBERSHIPS: list[tuple[str, str, Any, int]] = [
    ("PUT", f"/groups/{NOWHERE}/members/{{ada}}", {}, 404),
    ("PUT", f"/groups/{{lab}}/members/{NOWHERE}", {}, 404),
    ("PUT", "/groups/{lab}/members/nobody", {}, 404),
    ("PUT", "/groups/{lab}/members/{ada}", {"role": "king"}, 400),
    ("PUT", "/groups/{lab}/members/{ada}", {"role": ""}, 400),
    ("PUT", "/groups/{lab}/members/{ada}", {"is_primary": "yes"}, 400),
    ("POST", f"/groups/{{lab}}/members/{NOWHERE}/preview", {}, 404),
    ("DELETE", f"/groups/{{lab}}/members/{NOWHERE}", None, 404),
]


def test_what_is_no_membership_is_refused(backend: Backend, ada: str) -> None:
    lab = made(backend, "Lab")
    for method, path, body, status in NO_MEMBERSHIPS:
        backend.done(method, path.format(lab=lab, ada=ada), body, status)
    assert backend.get(f"/groups/{lab}")["members"] == 0


def test_no_way_to_an_administrator_is_open_to_lesser_services(app: Flask, backend: Backend, ada: str) -> None:
    """Neither to make one, nor to move one, be the role written as it may, nor to prepare one for somebody else."""
    root = backend.get("/users?is_admin=true")["users"][0]["id"]
    lab, own = made(backend, "Lab"), group_id(backend, "MAX")
    backend.done("PUT", f"/groups/{lab}/members/{root}", {"role": "member"})
    lesser = Backend(app, "admin:users")
    spellings = ("admin", "ADMIN", "\uff41dmin", "\uff21\uff24\uff2d\uff29\uff2e", " admin", "ad\u00admin")
    for role in spellings:
        assert lesser.done("PATCH", f"/users/{ada}", {"role": role}, 403) == FULL
        assert lesser.done("PUT", f"/groups/{own}/members/{ada}", {"role": role}, 403) == FULL
        assert lesser.done("PUT", f"/groups/{lab}/members/{ada}", {"role": role}, 403) == FULL
    for method, path, body in (
        ("PUT", f"/groups/{lab}/members/{root}", {"role": "member", "is_primary": True}),
        ("PUT", f"/groups/{own}/members/{root}", {"role": "member"}),
        ("DELETE", f"/groups/{lab}/members/{root}", None),
        ("DELETE", f"/groups/{lab}", None),
    ):
        assert lesser.done(method, path, body, 403) == FULL
    # Prepared by whoever may, an administrator is still made by whoever may.
    backend.done("PUT", f"/groups/{lab}/members/{ada}", {"role": "admin"})
    assert backend.get(f"/users/{ada}")["is_admin"] is False
    assert lesser.done("PUT", f"/groups/{lab}/members/{ada}", {"is_primary": True}, 403) == FULL
    assert lesser.done("DELETE", f"/groups/{own}/members/{ada}?primary_group_id={lab}", status=403) == FULL
    editor = backend.done("POST", "/roles", {"name": "editor"}, 201)["id"]
    backend.done("PUT", f"/groups/{own}/members/{ada}", {"role": "editor"})
    (admin,) = [each["id"] for each in backend.get("/roles")["roles"] if each["name"] == "admin"]
    assert lesser.done("DELETE", f"/roles/{editor}?replacement_id={admin}", status=403) == FULL
    # Nothing of it was done, and what concerns others is theirs.
    assert backend.get(f"/users/{ada}")["is_admin"] is False
    other = add_person(app, "other@example.com")
    lesser.done("PUT", f"/groups/{lab}/members/{other}", {"role": "editor", "is_primary": True})
    backend.done("PUT", f"/groups/{lab}/members/{ada}", {"is_primary": True})
    assert backend.get(f"/users/{ada}")["is_admin"] is True


def test_o249_the_last_administrator_stays(backend: Backend) -> None:
    root = backend.get("/users?is_admin=true")["users"][0]["id"]
    lab, own = made(backend, "Lab"), group_id(backend, "MAX")
    for method, path, body in (
        ("PUT", f"/groups/{own}/members/{root}", {"role": "member"}),
        ("PUT", f"/groups/{lab}/members/{root}", {"is_primary": True}),
        ("DELETE", f"/groups/{own}/members/{root}", None),
    ):
        assert "only active administrator" in backend.done(method, path, body, 400)["error_description"]
    assert backend.get(f"/users/{root}")["is_admin"] is True
    assert EMAIL not in str(backend.get("/users?is_admin=true"))
