"""Every form of every page, ready to be sent, and what a portal holds: so that it shows when something changed."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.services.foundation.environment import NOBODY
from app.services.identities.profiles import ProviderProfile
from app.services.identities.requests import Way
from tests.api.people import NEW_PASSWORD
from tests.mailbox import received
from tests.relying_party import PASSWORD, RelyingParty, csrf_token, link_identity
from tests.security.answers import Markup
from tests.security.parties import Parties, decided


@dataclass
class Form:
    """A form that would be accepted, but for its token."""

    browser: FlaskClient
    path: str
    values: dict[str, str] = field(default_factory=dict)
    page: str = "/logout"
    """Where the browser finds a token; one is good for all forms."""

    def send(self, token: str | None, **headers: str) -> TestResponse:
        """Send it with this token, or without any."""
        values = self.values if token is None else {**self.values, "csrf_token": token}
        return self.browser.post(self.path, data=values, headers=headers)

    def token(self) -> str:
        """A good token."""
        return csrf_token(self.browser, self.page)


def everything(app: Flask) -> dict[str, Any]:
    """All rows of all tables."""
    with app.app_context():
        db = app.extensions["services"].db
        with db.engine.connect() as connection:
            tables = sa.inspect(connection).get_table_names()
            return {name: connection.execute(sa.text(f"SELECT * FROM {name}")).all() for name in sorted(tables)}  # noqa: S608


def kept(browser: FlaskClient) -> dict[str, str]:
    """The browser's cookies, but for the secret of its forms."""
    return {name: each.value for (*_, name), each in browser._cookies.items() if "_form" not in name}


def mailed(app: Flask, template: str) -> str:
    """The token of the newest mail of that kind."""
    return [mail for mail in received(app) if mail.template == template][-1].token


def known(path: str, **values: str) -> Callable[[Parties], Form]:
    """A form for somebody who is logged in."""
    return lambda parties: Form(parties.newcomer()[0], path, values)


def unknown(path: str, **values: str) -> Callable[[Parties], Form]:
    """A form for a stranger."""
    return lambda parties: Form(parties.app.test_client(), path, values, "/login")


def credentials(path: str, **values: str) -> Callable[[Parties], Form]:
    """A form with the e-mail of somebody who has an account."""

    def make(parties: Parties) -> Form:
        _, email = parties.newcomer()
        return Form(parties.app.test_client(), path, {"email": email, **values}, "/login")

    return make


def choice(parties: Parties) -> Form:
    browser = parties.newcomer()[0]
    page = RelyingParty(browser, parties.web.client_id).authorize(prompt="select_account").location
    account = re.search(r'name="account"[^>]*value="([^"]+)"', browser.get(page).text)
    assert account
    return Form(browser, page, {"account": account[1]})


def consent(parties: Parties) -> Form:
    browser = parties.newcomer()[0]
    page = RelyingParty(browser, parties.third.client_id).authorize().location
    assert urlsplit(page).path == "/consent"
    return Form(browser, page, {"decision": "allow"})


def asked_logout(parties: Parties) -> Form:
    browser = parties.newcomer()[0]
    fields = Markup(browser.get("/api/oauth/logout").text).fields
    return Form(browser, "/api/oauth/logout/confirm", {"request": fields["request"]})


def registered(parties: Parties, path: str) -> Form:
    """A form for somebody whose address is not proven."""
    browser = parties.app.test_client()
    parties.count += 1
    form = {"name": "Jo", "email": f"new-{parties.count}@example.com", "password": PASSWORD}
    response = browser.post("/register", data={**form, "csrf_token": csrf_token(browser, "/register")})
    assert response.status_code == 303
    received(parties.app)
    return Form(browser, path)


def link(parties: Parties, path: str, template: str, ask: Callable[[Any, str, str], None], **values: str) -> Form:
    """The form of a mailed link."""
    _, email = parties.newcomer()
    with parties.app.app_context():
        services = parties.app.extensions["services"]
        user_id = services.accounts.find(email).id
        ask(services, user_id, email)
        services.db.commit()
    token = mailed(parties.app, template)
    return Form(parties.app.test_client(), path, {"token": token, **values}, "/login")


def forget(services: Any, _: str, email: str) -> None:
    services.password_resets.request(email, "ko", None, NOBODY)


def change(services: Any, user_id: str, email: str) -> None:
    services.email_addresses.request_change(user_id, f"moved-{email}", "ko", NOBODY)


def restore(parties: Parties) -> Form:
    moved = link(parties, "/change-email", "change_email", change)
    assert moved.send(moved.token()).status_code == 303
    return Form(moved.browser, "/restore-email", {"token": mailed(parties.app, "email_changed")}, "/login")


def verification(parties: Parties) -> Form:
    form = registered(parties, "/verify-email/resend")
    assert form.send(form.token()).status_code == 303
    return Form(form.browser, "/verify-email", {"token": mailed(parties.app, "verify_email")})


def other_session(parties: Parties) -> Form:
    browser, email = parties.newcomer()
    return Form(browser, f"/account/sessions/{second_session(parties, email)}/end")


def second_session(parties: Parties, email: str) -> str:
    """The id of another session of the person."""
    with parties.app.app_context():
        services = parties.app.extensions["services"]
        session_id, _ = services.sessions.start(services.accounts.find(email).id, NOBODY)
        services.db.commit()
    return str(session_id)


def others(parties: Parties) -> Form:
    browser, email = parties.newcomer()
    second_session(parties, email)
    return Form(browser, "/account/sessions/end-others")


def connected(parties: Parties) -> Form:
    form = consent(parties)
    decided(form.browser, form.path)
    return Form(form.browser, f"/account/apps/{parties.third.client_id}/remove")


def linked(parties: Parties) -> Form:
    browser, email = parties.newcomer()
    with parties.app.app_context():
        user_id = parties.app.extensions["services"].accounts.find(email).id
    identity_id = link_identity(parties.app, user_id, subject=email)
    return Form(browser, f"/account/identities/{identity_id}/unlink")


def answered(parties: Parties, path: str, told: str, *, is_proven: bool = True, **values: str) -> Form:
    """A step of somebody whom a provider has just named, with this address."""
    parties.count += 1
    browser, name = parties.app.test_client(), f"browser-{parties.count}".ljust(43, "x")
    browser.set_cookie("portal_provider", name)
    profile = ProviderProfile("kakao", str(parties.count), email=told, email_verified=is_proven)
    with parties.app.app_context():
        services = parties.app.extensions["services"]
        answer = services.provider_answers.keep(profile, {}, Way(), name)
        if path == "/join/code":
            services.arrivals.send_code(answer, told, "en")
        services.db.commit()
    if path == "/join/code":
        values["code"] = [mail for mail in received(parties.app) if mail.template == "email_code"][-1].values["code"]
    return Form(browser, f"{path}?answer={answer.id}", values, "/login")


def unknown_answer(path: str, *, is_proven: bool = True, **values: str) -> Callable[[Parties], Form]:
    """Such a step with an address that nobody has."""
    return lambda parties: answered(
        parties, path, f"unknown-{parties.count}@example.com", is_proven=is_proven, **values
    )


def known_answer(path: str, **values: str) -> Callable[[Parties], Form]:
    """Such a step with the address of an account."""
    return lambda parties: answered(parties, path, parties.newcomer()[1], **values)


def deletion(parties: Parties) -> Form:
    browser, email = parties.newcomer()
    return Form(browser, "/account/data/delete", {"email": email})


def taken_back(parties: Parties) -> Form:
    form = deletion(parties)
    assert form.send(form.token()).status_code == 303
    return Form(form.browser, "/account/data/keep")


PROFILE = {"full_name": "New", "username": "", "avatar_url": "", "bio": "", "locale": "en", "timezone": "Asia/Seoul"}


def profile(parties: Parties) -> Form:
    browser, email = parties.newcomer()
    name = email.partition("@")[0]
    return Form(browser, "/account/profile", {**PROFILE, "username": name})


FORMS: dict[str, Callable[[Parties], Form]] = {
    "login.login": credentials("/login", password=PASSWORD),
    "login.register": unknown("/register", name="Jo", email="jo@example.com", password=PASSWORD),
    "login.choose": choice,
    "login.logout": known("/logout"),
    "login.confirm": known("/confirm?next=/account", password=PASSWORD),
    "login.forgot": credentials("/forgot-password"),
    "login.reset": lambda parties: link(parties, "/reset-password", "reset_password", forget, password=NEW_PASSWORD),
    "login.verify": verification,
    "login.resend": lambda parties: registered(parties, "/verify-email/resend"),
    "login.change_email": lambda parties: link(parties, "/change-email", "change_email", change),
    "login.restore_email": restore,
    "consent.consent": consent,
    "oauth.confirm_logout": asked_logout,
    "portal.language": unknown("/language", lang="en"),
    "portal.theme": unknown("/theme", theme="dark"),
    "account.profile": profile,
    "account.password": known("/account/security/password", current=PASSWORD, password=NEW_PASSWORD),
    "account.email": known("/account/security/email", email="moving@example.com"),
    "account.send_verification": lambda parties: registered(parties, "/account/verification"),
    "account.end_one": other_session,
    "account.end_others": others,
    "account.remove_app": connected,
    "account.unlink": linked,
    "social.link": known("/auth/kakao/link"),
    "social.confirm": known("/auth/kakao/confirm?next=/account"),
    "social.prove": known_answer("/auth/kakao/prove"),
    "social.join": unknown_answer("/join", name="Jo"),
    "social.email": unknown_answer("/join/email", is_proven=False, email="typed@example.com"),
    "social.code": unknown_answer("/join/code", is_proven=False),
    "social.prove_account": known_answer("/join/prove", password=PASSWORD),
    "account.delete": deletion,
    "account.keep": taken_back,
}
"""By endpoint: a form that changes something when its token is good; those of administrators stand elsewhere."""
