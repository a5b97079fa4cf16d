"""What an application says it can do without, people may leave out; what they leave out is not granted.

RFC 6749 sections 3.3 and 5.1: the server may grant less than was asked for, and then says what.
"""

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from app.models import AuditLog, Consent
from app.services.foundation.environment import NOBODY
from app.services.foundation.statements import Statement
from tests.consent.conftest import OPTIONAL, Asking
from tests.relying_party import SCOPE, answer

WITHOUT = "openid profile"


def consent_of(app: Flask, client_id: str = "asking") -> tuple[list[str], list[str]]:
    """The scopes on record as allowed, and as left out."""
    with app.app_context():
        row = (
            app.extensions["services"]
            .db.session.scalars(sa.select(Consent).where(Consent.client_id == client_id))
            .one()
        )
        return row.scopes, row.declined


def test_what_was_left_out_is_not_granted_and_the_answer_says_what_was(app: Flask, asking: Asking) -> None:
    tokens = asking.allow("read:groups")
    assert tokens["scope"] == "openid profile read:groups"
    told = asking.userinfo(tokens["access_token"]).json
    assert ("email" in told, told["groups"]) == (False, ["MAX"])
    # Core section 11: without offline_access there is no refresh token.
    assert "refresh_token" not in tokens
    assert consent_of(app) == (["openid", "profile", "read:groups"], ["email", "offline_access"])


def test_with_every_box_ticked_all_is_granted(app: Flask, asking: Asking) -> None:
    tokens = asking.allow(*OPTIONAL)
    assert (tokens["scope"], "refresh_token" in tokens) == (SCOPE, True)
    assert consent_of(app) == (sorted(SCOPE.split()), [])


def test_every_box_is_ticked_at_first_and_nothing_else_has_one(asking: Asking) -> None:
    text = asking.text()
    assert text.count('type="checkbox"') == text.count(" checked>") == len(OPTIONAL)
    for scope in OPTIONAL:
        assert f'name="optional" value="{scope}" checked>' in text


def test_what_was_left_out_is_not_asked_for_again_at_every_login(asking: Asking) -> None:
    asking.allow()
    for _ in range(2):
        assert asking.is_silent()
        assert asking.redeem(asking.code()).json["scope"] == WITHOUT
    assert asking.is_silent(scope="openid email profile")


def test_prompt_consent_asks_again_with_the_box_as_it_was_left(app: Flask, asking: Asking) -> None:
    asking.allow("read:groups")
    text = asking.text(prompt="consent")
    assert 'value="read:groups" checked>' in text
    assert 'value="email">' in text
    assert "left out before" in text
    assert asking.allow("email", prompt="consent")["scope"] == "openid profile email"
    assert consent_of(app) == (["email", "openid", "profile"], ["offline_access", "read:groups"])
    assert asking.is_silent()


def test_what_is_asked_for_the_first_time_brings_up_what_was_left_out(app: Flask, asking: Asking) -> None:
    asking.allow(scope="openid email")
    assert not asking.is_silent(scope="openid email profile")
    text = asking.text(scope="openid email profile")
    assert ('value="email">' in text, text.count('class="new"')) == (True, 1)
    assert asking.allow(scope="openid email profile")["scope"] == WITHOUT


def test_a_new_optional_scope_is_asked_for_once(asking: Asking) -> None:
    asking.allow(scope="openid profile")
    assert not asking.is_silent(scope="openid profile email")
    assert asking.allow(scope="openid profile email")["scope"] == WITHOUT
    assert asking.is_silent(scope="openid profile email")


def test_leaving_out_what_was_allowed_takes_it_back_from_tokens_that_are_out(asking: Asking) -> None:
    tokens = asking.allow(*OPTIONAL)
    code = asking.code()
    asking.allow("read:groups", "offline_access", prompt="consent")
    told = asking.userinfo(tokens["access_token"]).json
    assert ("email" in told, "name" in told) == (False, True)
    assert asking.redeem(code).json["scope"] == "openid profile offline_access read:groups"
    assert asking.refresh(tokens["refresh_token"]).json["scope"] == "openid profile offline_access read:groups"
    asking.allow("read:groups", prompt="consent")
    again = asking.refresh(tokens["refresh_token"])
    assert (again.status_code, again.json["error"]) == (400, "invalid_grant")


def test_what_a_token_never_had_it_does_not_get_by_a_later_consent(asking: Asking) -> None:
    tokens = asking.allow("offline_access")
    asking.allow(*OPTIONAL, prompt="consent")
    assert "email" not in asking.userinfo(tokens["access_token"]).json
    assert asking.refresh(tokens["refresh_token"]).json["scope"] == "openid profile offline_access"


@pytest.mark.parametrize("where", ["optional", "scope", "allowed", "shown_scopes"])
def test_no_form_gets_more_than_was_asked_for(asking: Asking, where: str) -> None:
    more = ["read:groups", "email", "admin:full", "manage:teams", "offline_access", "profile"]
    page = asking.page(scope="openid email")
    fields: dict[str, Any] = {where: more}
    sent = asking.decide(page, **fields)
    code = answer(asking.browser.get(sent.location))["code"]
    expected = "openid email" if where == "optional" else "openid"
    assert asking.redeem(code).json["scope"] == expected


def test_no_form_leaves_out_what_is_not_optional(app: Flask, asking: Asking) -> None:
    plain = Asking(app, "plain")
    assert plain.allow("openid")["scope"] == SCOPE
    assert 'type="checkbox"' not in plain.text(prompt="consent")


def test_nothing_at_all_is_no_answer(app: Flask, asking: Asking) -> None:
    page = asking.page(scope="email")
    sent = asking.decide(page)
    assert (sent.status_code, "Tick at least one of these" in sent.text) == (400, True)
    assert 'value="email">' in sent.text
    assert not asking.is_silent(scope="email")
    assert asking.decide(page, "email").status_code == 303


def test_a_request_for_nothing_but_what_was_left_out_asks(asking: Asking) -> None:
    asking.allow(scope="openid email")
    assert not asking.is_silent(scope="email")
    assert 'value="email">' in asking.text(scope="email")


def test_a_refused_form_keeps_the_boxes_as_they_were_sent(asking: Asking) -> None:
    page = asking.page()
    sent = asking.browser.post(page, data={"decision": "allow", "optional": ["email"], "csrf_token": "x"})
    assert sent.status_code == 400
    assert 'value="email" checked>' in sent.text
    assert 'value="read:groups">' in sent.text


CHANGES = [
    {"optional_scopes": ["email"]},
    {"optional_scopes": [*OPTIONAL, "profile"]},
    {"allowed_scopes": ["openid", "profile", *OPTIONAL[:2]]},
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_nobody_allows_what_changed_since_it_was_shown(
    app: Flask, asking: Asking, change: dict[str, list[str]]
) -> None:
    page = asking.page()
    shown = asking.browser.get(page).text.partition('name="shown" value="')[2].partition('"')[0]
    with app.app_context():
        services = app.extensions["services"]
        services.clients.update("asking", change)
        services.db.commit()
    sent = asking.decide(page, "email", shown=shown)
    assert (sent.status_code, "has changed" in sent.text) == (400, True)
    assert not asking.is_silent()
    assert asking.decide(page, "email").status_code == 303


def test_what_is_optional_no_longer_is_asked_for_though_it_was_left_out(app: Flask, asking: Asking) -> None:
    asking.allow("read:groups", "offline_access")
    with app.app_context():
        services = app.extensions["services"]
        services.clients.update("asking", {"optional_scopes": []})
        services.db.commit()
    assert not asking.is_silent()
    assert asking.allow()["scope"] == SCOPE
    assert consent_of(app) == (sorted(SCOPE.split()), [])


def test_a_consent_that_was_taken_back_forgets_what_was_left_out(app: Flask, asking: Asking) -> None:
    asking.allow()
    with app.app_context():
        services = app.extensions["services"]
        user_id = services.db.session.scalar(sa.select(Consent.user_id))
        services.connected_apps.remove(user_id, "asking", NOBODY)
        services.db.commit()
    text = asking.text()
    assert (text.count(" checked>"), "left out before" in text) == (len(OPTIONAL), False)


def test_the_policy_always_remembers_the_boxes_and_asks_all_the_same(app: Flask, person: str) -> None:
    client = Asking(app, "cautious", consent_policy="always", optional_scopes=["email"])
    assert client.allow()["scope"] == "openid profile offline_access read:groups"
    assert 'value="email">' in client.text()
    assert client.allow("email")["scope"] == SCOPE


def test_connected_apps_name_what_is_left(asking: Asking) -> None:
    asking.allow(*OPTIONAL)
    asking.allow("offline_access", "read:groups", prompt="consent")
    page = asking.browser.get("/account/apps", headers={"Accept-Language": "en"}).text
    assert ("See your groups" in page, "See your e-mail address" in page) == (True, False)


def test_the_record_names_what_was_allowed_and_what_was_left_out(app: Flask, asking: Asking) -> None:
    asking.allow("email")
    with app.app_context():
        query = sa.select(AuditLog.details).where(AuditLog.action == "consent:granted")
        (details,) = app.extensions["services"].db.session.scalars(query)
    assert (details["scope"], details["declined"]) == ("email openid profile", "offline_access read:groups")


def test_a_silent_request_asks_the_database_no_more_for_it(
    app: Flask, asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Asking(app, "plain")
    asked: list[Statement] = []
    for name in ("first", "all", "run", "run_later", "run_alone"):
        really: Any = getattr(Statement, name)

        def noted(statement: Statement, *given: Any, _really: Any = really, **values: Any) -> Any:
            asked.append(statement)
            return _really(statement, *given, **values)

        monkeypatch.setattr(Statement, name, noted)
    counted = []
    for client, ticked in ((plain, ()), (asking, ("email",))):
        client.allow(*ticked)
        assert client.is_silent()
        asked.clear()
        assert client.is_silent()
        counted.append(list(asked))
    assert counted[0] == counted[1] != []
