"""People by the service API: found, made, changed, logged out; administrators only by those who reach everywhere."""

from typing import Any

import pytest
from flask import Flask

from tests.api.service.backends import Backend
from tests.clock import Clock
from tests.mailbox import received
from tests.relying_party import EMAIL, PASSWORD, RelyingParty, add_client, add_person, link_identity, log_in

NEW = {"email": "Kim@Example.com", "full_name": "김민수", "password": "violet lantern 72 harbour"}
NOBODY = "7d9ee3c4-9a5b-4a43-8a2c-0d8a3f0f7c11"


@pytest.fixture
def ada(app: Flask) -> str:
    return add_person(app)


def found(backend: Backend, query: str) -> list[str]:
    """The addresses of the people a query finds."""
    return [each["email"] for each in backend.get(f"/users?{query}")["users"]]


def test_people_are_found_by_what_is_known_of_them(app: Flask, backend: Backend, ada: str) -> None:
    kim = backend.done("POST", "/users", NEW, 201)
    link_identity(app, kim["id"], "kakao", "4711")
    assert found(backend, "search=KIM@") == found(backend, f"search={kim['id']}") == ["kim@example.com"]
    # As it may be typed: decomposed, in full-width letters.
    assert found(backend, "search=%EA%B9%80%EB%AF%BC") == found(backend, "search=4711") == ["kim@example.com"]
    assert found(backend, "search=%EF%BD%8B%EF%BD%89%EF%BD%8D@example.com") == ["kim@example.com"]
    assert found(backend, "search=%E1%84%80%E1%85%B5%E1%86%B7") == ["kim@example.com"]
    assert found(backend, "search=471") == found(backend, "search=%25") == found(backend, "search=x_m") == []
    assert found(backend, "email_verified=true&is_admin=false") == [EMAIL]
    assert EMAIL not in found(backend, "is_admin=true")
    assert found(backend, "plan=pro") == []


def test_everybody_is_on_one_page_once_the_newest_first(app: Flask, backend: Backend, clock: Clock) -> None:
    for number in range(5):
        add_person(app, f"same-{number}@example.com")  # at one moment
    clock.advance(seconds=1)
    add_person(app, "late@example.com")
    listed = [each["email"] for each in backend.all_pages("/users", "users", 2)]
    assert listed[0] == "late@example.com"
    assert len(listed) == len(set(listed)) == 7


def test_an_account_is_made_and_its_password_shown_once_if_it_was_made_here(app: Flask, backend: Backend) -> None:
    made = backend.done("POST", "/users", NEW, 201)
    assert (made["email"], made["full_name"], made["password"], made["is_admin"]) == (
        *("kim@example.com", "김민수", None, False),
    )
    other = backend.done("POST", "/users", {"email": "lee@example.com", "full_name": "Lee"}, 201)
    browser = app.test_client()
    assert log_in(browser, "lee@example.com", password=other["password"]).status_code == 303
    assert other["password"] not in str(backend.get(f"/users/{other['id']}"))
    assert backend.done("POST", "/users", NEW, 400)["fields"][0]["field"] == "email"


@pytest.mark.parametrize(
    "change",
    [{"email": "x"}, {"email": "a@b\u0000.c"}, {"password": "short"}, {"password": "password1234"}, {"email": 7}],
)
def test_what_is_no_account_is_refused(backend: Backend, change: dict[str, Any]) -> None:
    assert backend.done("POST", "/users", {**NEW, **change}, 400)["error"] == "invalid_input"


def test_one_person_is_told_whole(app: Flask, backend: Backend, ada: str) -> None:
    link_identity(app, ada, "naver", "n-1", email="ada@naver.com")
    told = backend.get(f"/users/{ada}")
    assert [each["provider"] for each in told["identities"]] == ["naver"]
    assert [(each["group"], each["role"], each["is_primary"]) for each in told["groups"]] == [("MAX", "member", True)]
    assert told["has_password"] is True
    assert backend.get(f"/users/{ada.upper()}") == told
    assert not {"password_hash", "password"} & told.keys()


def test_an_account_is_changed_and_the_person_told(app: Flask, backend: Backend, ada: str) -> None:
    browser = app.test_client()
    log_in(browser)
    changed = backend.done("PATCH", f"/users/{ada}", {"plan": "pro", "full_name": "Ada K.", "email_verified": False})
    assert (changed["plan"], changed["full_name"], changed["email_verified"]) == ("pro", "Ada K.", False)
    assert backend.done("PATCH", f"/users/{ada}", {"is_active": False})["is_active"] is False
    assert browser.get("/account").status_code == 303
    assert log_in(app.test_client()).status_code == 401
    assert backend.done("PATCH", f"/users/{ada}", {"is_active": True})["is_active"] is True
    assert log_in(app.test_client()).status_code == 303


@pytest.mark.parametrize("change", [{"plan": "gold"}, {"role": "king"}, {"locale": "xx"}, {"username": "-"}])
def test_what_cannot_be_is_refused_and_nothing_of_it_done(backend: Backend, ada: str, change: dict[str, Any]) -> None:
    before = backend.get(f"/users/{ada}")
    backend.done("PATCH", f"/users/{ada}", {"email_verified": False, **change}, 400)
    assert backend.get(f"/users/{ada}") == before


def test_somebody_is_logged_out_everywhere(app: Flask, backend: Backend, ada: str) -> None:
    browsers = [app.test_client() for _ in range(2)]
    for browser in browsers:
        log_in(browser)
    client = RelyingParty(browsers[0], "web", add_client(app, "web"))
    token = client.tokens()["access_token"]
    assert backend.done("POST", f"/users/{ada}/end-sessions") == {"ended": 2}
    assert [browser.get("/account").status_code for browser in browsers] == [303, 303]
    assert client.userinfo(token).status_code == 401
    assert backend.done("POST", f"/users/{ada}/end-sessions") == {"ended": 0}


def test_a_link_to_set_a_new_password_is_mailed(app: Flask, backend: Backend, ada: str) -> None:
    assert backend.done("POST", f"/users/{ada}/password-reset", status=202)["status"] == "success"
    (mail,) = received(app)
    assert mail.to == EMAIL
    assert log_in(app.test_client(), password=PASSWORD).status_code == 303


def test_an_account_is_removed_for_good(app: Flask, backend: Backend, ada: str) -> None:
    backend.done("DELETE", f"/users/{ada}")
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/end-sessions")):
        backend.done(method, f"/users/{ada}{path}", {} if method == "PATCH" else None, 404)
    assert found(backend, "search=ada") == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/users", {**NEW, "is_admin": True}),
        ("PATCH", "/users/{ada}", {"role": "admin"}),
        ("PATCH", "/users/{root}", {"is_active": False}),
        ("PATCH", "/users/{root}", {"email_verified": True}),
        ("POST", "/users/{root}/end-sessions", None),
        ("POST", "/users/{root}/password-reset", None),
        ("DELETE", "/users/{root}", None),
    ],
)
def test_administrators_are_not_every_services_affair(
    app: Flask, backend: Backend, ada: str, method: str, path: str, body: dict[str, Any] | None
) -> None:
    root = add_person(app, "root@example.com", is_admin=True)
    lesser = Backend(app, "admin:users")
    refused = lesser.done(method, path.format(ada=ada, root=root), body, 403)
    assert refused == {"detail": "Missing required scopes: admin:full"}
    assert backend.done(
        method, path.format(ada=ada, root=root), body, 201 if path == "/users" else 202 if "reset" in path else 200
    )


def test_o249_the_last_administrator_stays(app: Flask, backend: Backend) -> None:
    (root,) = backend.get("/users?is_admin=true")["users"]
    for method, body in (("DELETE", None), ("PATCH", {"is_active": False}), ("PATCH", {"role": "member"})):
        assert backend.done(method, f"/users/{root['id']}", body, 400)["error"] == "invalid_input"
    assert backend.get(f"/users/{root['id']}")["is_active"] is True
