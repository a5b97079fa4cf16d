"""Signing keys on pages: what each does, the next one's turn, the end of one, and what it ends."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from app.services.tokens.keys import FRESH_SECONDS
from tests.account.browsing import Facts, send, shown
from tests.admin.offices import administrator
from tests.clock import Clock
from tests.relying_party import RelyingParty, add_client, log_in
from tests.security.answers import is_page

KEYS, ROTATE = "/admin/keys", "/admin/keys/rotate"


def kid(app: Flask, status: str, algorithm: str = "ES256") -> str:
    """The id of the key in a state."""
    found: str = Facts(app).one(
        "SELECT kid FROM signing_keys WHERE status = :status AND algorithm = :algorithm",
        status=status,
        algorithm=algorithm,
    )
    return found


def tokens(app: Flask) -> tuple[RelyingParty, dict[str, Any]]:
    """What an application holds."""
    add_client(app, "shop", consent_policy="implicit")
    browser = app.test_client()
    administrator(app, email="member@example.com")
    log_in(browser, "member@example.com")
    client = RelyingParty(browser, "shop")
    answer = client.tokens()
    return client, answer


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_the_next_key_takes_over_and_the_one_before_verifies(
    make_app: Callable[..., Flask], open_database: Callable[..., str], engine: str
) -> None:
    app = make_app(open_database(engine))
    office = administrator(app)
    before = {name: kid(app, name) for name in ("current", "next")}
    other = kid(app, "current", "RS256")
    page = office.get(ROTATE)
    assert is_page(page, 200)
    assert "was published" in shown(page)
    assert send(office, ROTATE, algorithm="ES256").location == KEYS
    assert (kid(app, "current"), kid(app, "previous")) == (before["next"], before["current"])
    assert kid(app, "current", "RS256") == other
    listed = shown(office.get(KEYS))
    for each in ("The next key signs from now on.", before["current"], before["next"], "/.well-known/jwks.json"):
        assert each in listed
    row = Facts(app).all("SELECT actor, user_id, ip FROM oauth_audit_logs WHERE action = 'key:rotated'")
    assert len(row) == 1
    assert row[0].actor == row[0].user_id != ""
    send(office, ROTATE, algorithm="all")
    assert kid(app, "previous", "RS256") == other


def test_retiring_says_what_it_ends_and_ends_it(app: Flask) -> None:
    client, answer = tokens(app)
    office, current = administrator(app), kid(app, "current")
    path = f"{KEYS}/{current}/retire"
    page = office.get(path)
    assert is_page(page, 200)
    assert "at most 1 login in an application holds one" in shown(page)
    assert client.userinfo(answer["access_token"]).status_code == 200
    assert send(office, path).location == KEYS
    assert Facts(app).one("SELECT status FROM signing_keys WHERE kid = :kid", kid=current) == "retired"
    assert client.userinfo(answer["access_token"]).status_code == 401
    assert current not in app.test_client().get("/.well-known/jwks.json").text
    again = office.get(path)
    assert again.location == KEYS
    assert "was retired before" in shown(office.get(KEYS))


def test_what_a_replaced_key_signed_is_counted_until_it_has_expired(app: Flask, clock: Clock) -> None:
    tokens(app)
    office, old = administrator(app), kid(app, "current")
    send(office, ROTATE, algorithm="all")
    path = f"{KEYS}/{old}/retire"
    assert "at most 1 login" in shown(office.get(path))
    following = kid(app, "next")
    assert "It has signed nothing yet." in shown(office.get(f"{KEYS}/{following}/retire"))
    clock.advance(hours=1, minutes=1)
    log_in(office, "office@example.com")
    assert "at most 0 logins" in shown(office.get(path))


def test_there_is_no_other_key_and_no_other_algorithm(app: Flask) -> None:
    office = administrator(app)
    for unknown in ("nothing", "-", "%ED%95%9C%EA%B8%80", "a" * 500):
        assert office.get(f"{KEYS}/{unknown}/retire").status_code == 404
    assert send(office, ROTATE, algorithm="none").status_code == 400
    assert Facts(app).one("SELECT count(*) FROM oauth_audit_logs WHERE action IN ('key:rotated', 'key:retired')") == 0


def test_it_wants_a_fresh_login_and_its_part(app: Flask, clock: Clock) -> None:
    keeper = administrator(app, "admin:keys", email="keeper@example.com")
    path = f"{KEYS}/{kid(app, 'current')}/retire"
    assert send(keeper, ROTATE, algorithm="ES256").status_code == 303
    for part in ("users", "clients", "audit", "system"):
        office = administrator(app, f"admin:{part}", email=f"{part}@example.com")
        assert [office.get(each).status_code for each in (KEYS, ROTATE, path)] == [403] * 3
    clock.advance(minutes=20)
    assert [keeper.get(each).status_code for each in (ROTATE, path)] == [303, 303]
    assert keeper.get(KEYS).status_code == 200
    assert "You had the next signing key take over." in shown(keeper.get("/account/activity"))


def test_nothing_private_is_on_the_page(app: Flask) -> None:
    office = administrator(app)
    page = office.get(KEYS).text
    sealed = [each.private_sealed for each in Facts(app).all("SELECT private_sealed FROM signing_keys")]
    assert sealed
    assert not any(each and each in page for each in sealed)
    assert not re.search(r'"d"|PRIVATE', page)
    assert FRESH_SECONDS <= 2  # as the page says
