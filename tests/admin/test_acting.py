"""Administrators who act as somebody: who may, whom, how long; what it may do, says, leaves on record; how it ends."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import AnyConverter, Rule, UUIDConverter

from app.services.foundation.environment import NOBODY
from app.services.tenancy.member_changes import Placement
from app.web.acting import door
from tests.admin.support import ADMINISTRATORS_ADDRESS, PERSON, REASON, Support, allow, claims, details
from tests.clock import Clock
from tests.mailbox import received
from tests.relying_party import EMAIL, PASSWORD, add_client, add_person, answer, csrf_token, log_in
from tests.security.answers import is_page

ACCOUNTS = "SELECT password_hash, email, full_name, deletes_at, avatar_url FROM users ORDER BY id"


@pytest.fixture
def support(make_app: Callable[..., Flask], database_url: str) -> Support:
    """On each engine."""
    return Support(make_app(database_url))


@pytest.fixture
def here(app: Flask) -> Support:
    """Where the engine is all the same."""
    return Support(app)


def role_of(services: Any, user_id: str, role: str, group: str = "MAX") -> None:
    place = Placement(user_id, services.groups.get(group).id, services.roles.get(role).id)
    services.standing.make(place, NOBODY)


def test_an_administrator_sees_what_the_person_sees_and_is_themself_afterwards(support: Support) -> None:
    before = support.facts.all("SELECT id, ended_at FROM user_sessions")
    assert support.who() == "ada"
    support.act()
    assert support.who() == "as bob"
    page = support.browser.get("/account/activity")
    assert is_page(page, 200)
    assert f"The reason they gave: {REASON}" in page.text
    assert support.browser.get("/admin/clients/shop/redirect-uris/new?uri=https://x.example/").status_code == 403
    assert support.send("/acting/end").status_code == 303
    assert support.who() == "ada"
    assert support.ending() == "acting_ended"
    # Neither the administrator nor the person had a session that is not what it was.
    assert all(row in support.facts.all("SELECT id, ended_at FROM user_sessions") for row in before)
    # The button in another tab, or pressed twice, does nothing more.
    assert support.send("/acting/end").status_code == 303
    assert support.who() == "ada"


@pytest.mark.parametrize(
    "person", ["oneself", "administrator", "in part", "disabled", "leaving", "forbidden", "nobody"]
)
def test_who_may_not_be_acted_as(here: Support, person: str) -> None:
    user_id = here.person_id

    def prepare(services: Any) -> None:
        if person == "administrator":
            role_of(services, user_id, "admin")
        if person == "in part":
            services.permissions.declare("admin:reports", "Reports", "보고", NOBODY)
            services.groups.create("Reporters", "group", NOBODY)
            services.roles.create("reporter", ["admin:reports"], NOBODY)
            role_of(services, user_id, "reporter", "Reporters")
        if person == "disabled":
            services.administration.disable(user_id, NOBODY)
        if person == "leaving":
            services.deletions.request(user_id, PERSON, NOBODY, keep_session_id=None)

    here.with_services(prepare)
    if person == "forbidden":
        allow(here.app, is_allowed=False)
    user_id = {"oneself": here.administrator_id, "nobody": "3d0e2e60-4d5c-4f6e-9f5e-0c7f7d2d5a10"}.get(person, user_id)
    refused = here.begin(user_id)
    assert is_page(refused, 404 if person == "nobody" else 400)
    assert here.who() == "ada"
    assert here.facts.one("SELECT count(*) FROM user_sessions WHERE acted_by IS NOT NULL") == 0
    codes = {"in part": "administrator", "leaving": "disabled", "forbidden": "group", "nobody": "unknown"}
    told = here.facts.all("SELECT error_code, actor, ip FROM oauth_audit_logs WHERE action = 'acting:refused'")
    assert [tuple(each) for each in told] == [(codes.get(person, person), here.administrator_id, "")]


@pytest.mark.parametrize(
    "form",
    [
        {"reason": ""},
        {"reason": "four"},
        {"reason": " \u200b a b \u00ad "},
        {"reason": "x" * 501},
        {"minutes": "0"},
        {"minutes": "61"},
        {"minutes": "9" * 400},
        {"minutes": "ten"},
        {"csrf_token": ""},
    ],
)
def test_what_the_form_must_say(here: Support, form: dict[str, str]) -> None:
    assert here.begin(**form).status_code == 400
    assert here.who() == "ada"


def test_the_reason_is_kept_in_one_form(here: Support) -> None:
    here.act(reason="  \u1112\u1161\u11ab\u1100\u1173\u11af\u00a0 ticket\u200b 17 ", minutes="60")
    assert here.facts.one("SELECT act_reason FROM user_sessions WHERE acted_by IS NOT NULL") == "한글 ticket 17"


def test_only_an_administrator_who_was_there_lately_may_begin(here: Support, clock: Clock) -> None:
    clock.advance(minutes=30)
    led = here.begin()
    assert (led.status_code, led.location.partition("?")[0]) == (303, "/confirm")
    stranger = here.in_browser(here.app)
    path, form = f"/admin/people/{here.person_id}/act", {"reason": REASON}
    assert stranger.post(path, data=form).location.startswith("/login")
    log_in(stranger, PERSON)
    assert stranger.post(path, data=form).status_code == 403
    assert here.who() == "ada"


ENDINGS: dict[str, tuple[Callable[[Support, Clock], object], str, str]] = {
    "the limit": (lambda _, clock: clock.advance(minutes=15), "expired", "ada"),
    "the role goes": (
        lambda here, _: here.with_services(lambda services: role_of(services, here.administrator_id, "member")),
        "administrator_role",
        "nobody",
    ),
    "the administrator is disabled": (
        lambda here, _: here.with_services(lambda s: s.administration.disable(here.administrator_id, NOBODY)),
        "administrator_disabled",
        "nobody",
    ),
    "the row says no more that they administer": (
        lambda here, _: [
            here.facts.do("UPDATE users SET is_superuser = :no WHERE email = :email", no=False, email=EMAIL),
            here.facts.do("UPDATE memberships SET role_id = (SELECT id FROM roles WHERE name = 'member')"),
        ],
        "administrator_role",
        "ada",
    ),
    "the administrator's sessions end": (
        lambda here, _: here.with_services(lambda s: s.sessions.end_all(here.administrator_id, "logout_all", NOBODY)),
        "administrator_left",
        "nobody",
    ),
    "the password is another": (
        lambda here, _: here.with_services(
            lambda s: s.administration.set_password(here.administrator_id, "another horse battery 9", NOBODY)
        ),
        "administrator_left",
        "nobody",
    ),
    "the group forbids it": (lambda here, _: allow(here.app, is_allowed=False), "acting_not_allowed", "ada"),
    "the person logs out elsewhere": (
        lambda here, _: here.with_services(lambda s: s.sessions.end_all(here.person_id, "ended_by_person", NOBODY)),
        "ended_by_person",
        "ada",
    ),
    "the person administers": (
        lambda here, _: here.with_services(lambda services: role_of(services, here.person_id, "admin")),
        "role_changed",
        "ada",
    ),
    "an operator ends it": (
        lambda here, _: here.with_services(lambda s: s.acting.end_all(NOBODY)),
        "ended_by_operator",
        "ada",
    ),
}


@pytest.mark.parametrize("how", ENDINGS)
def test_it_is_over_at_the_next_request_in_every_worker(
    make_app: Callable[..., Flask], open_database: Callable[..., str], clock: Clock, redis_url: str, how: str
) -> None:
    url = open_database()
    here = Support(make_app(url, REDIS_URL=redis_url))
    # A second administrator, so that the first may go.
    add_person(here.app, "eve@example.com", is_admin=True)
    here.act()
    other = here.in_browser(make_app(url, REDIS_URL=redis_url))
    for name in ("portal_session", "portal_acting"):
        cookie = here.browser.get_cookie(name)
        assert cookie is not None
        other.set_cookie(name, cookie.value)
    assert PERSON in other.get("/account").text
    do, reason, who = ENDINGS[how]
    do(here, clock)
    answered = other.get("/account")
    if who == "nobody":
        assert answered.status_code == 303
        assert here.browser.get("/account").location.startswith("/login")
    else:
        assert "You act as" not in answered.text
        assert EMAIL in answered.text
        assert here.who() == who
    assert here.ending() == reason
    (ended,) = here.records("acting:ended")
    assert details(ended)["reason"] == reason
    assert ended.ip == ""


def test_a_form_of_the_person_does_nothing_for_the_administrator(here: Support, clock: Clock) -> None:
    own = csrf_token(here.browser, "/account/profile")
    here.act(minutes="2")
    of_person = csrf_token(here.browser, "/account/profile")
    assert of_person != own
    clock.advance(minutes=3)
    form = {"full_name": "Somebody Else", "username": "else"}
    stale = here.browser.post("/account/profile", data={**form, "csrf_token": of_person})
    assert stale.status_code in {400, 409}
    # Nor does one of the administrator's own, from before, for the person.
    here.act()
    assert here.browser.post("/account/profile", data={**form, "csrf_token": own}).status_code == 403
    assert here.facts.one("SELECT count(*) FROM users WHERE full_name = 'Somebody Else'") == 0


def test_the_cookie_is_worth_nothing_without_the_session_it_hangs_on(here: Support) -> None:
    here.act()
    acting = here.browser.get_cookie("portal_acting")
    assert acting is not None
    assert acting.http_only
    assert acting.max_age is None
    thief = here.in_browser(here.app)
    for name in ("portal_session", "portal_acting"):
        thief.set_cookie(name, acting.value)
    assert thief.get("/account").location.startswith("/login")
    log_in(thief, PERSON)
    thief.set_cookie("portal_acting", acting.value)
    assert "You act as" not in thief.get("/account").text
    assert here.who() == "as bob"


def fit(rule: Rule, name: str, person_id: str) -> str:
    """Something that may stand for ``name`` in the path of a route."""
    converter = rule._converters[name]
    if isinstance(converter, AnyConverter):
        return str(min(converter.items))
    return person_id if isinstance(converter, UUIDConverter) or name.endswith("_id") else "x"


def test_everything_that_changes_something_is_refused_unless_it_is_listed(here: Support) -> None:
    here.act()
    before = here.facts.all(ACCOUNTS)
    unsafe = 0
    for rule in here.app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - door.SAFE):
            arguments = {name: fit(rule, name, here.person_id) for name in rule.arguments}
            with here.app.test_request_context():
                path = here.app.url_map.bind("localhost:8000").build(rule.endpoint, arguments, method)
            if rule.endpoint in door.OPEN:
                continue
            refused = here.browser.open(path, method=method)
            assert refused.status_code == 403, f"{method} {path}: {refused.status_code}"
            unsafe += 1
    assert unsafe > 60
    known = {rule.endpoint for rule in here.app.url_map.iter_rules()}
    assert known >= (door.OPEN | door.CLOSED)
    assert here.facts.all(ACCOUNTS) == before
    refusals = here.records("acting:refused")
    assert len(refusals) == unsafe
    assert {(each.actor, each.ip, each.user_agent) for each in refusals} == {(here.administrator_id, "", "")}
    assert here.who() == "as bob"


@pytest.mark.parametrize("endpoint", sorted(door.CLOSED))
def test_pages_that_are_closed_say_so(here: Support, endpoint: str) -> None:
    here.act()
    (path,) = {rule.rule for rule in here.app.url_map.iter_rules() if rule.endpoint == endpoint}
    page = here.browser.get(path)
    assert is_page(page, 403)
    assert "You act as" in page.text


def test_tokens_say_who_acts_and_end_with_it(support: Support, clock: Clock) -> None:
    started = clock.now
    session_id = support.act()
    clock.advance(minutes=10)
    tokens = support.client.tokens()
    actor = {"sub": support.administrator_id}
    assert "offline_access" not in tokens["scope"]
    assert tokens["expires_in"] == 300
    for name in ("access_token", "id_token"):
        said = claims(tokens[name])
        assert (said["act"], said["sub"], said["sid"]) == (actor, support.person_id, session_id)
        assert said["exp"] == int(started.timestamp()) + 900
        assert said["auth_time"] == int(started.timestamp())
    assert claims(tokens["access_token"])["is_admin"] is False
    assert support.client.userinfo(tokens["access_token"]).json["act"] == actor
    asked = {"token": tokens["access_token"]}
    secret = add_client(support.app, "backend", is_confidential=True, can_introspect_any=True)
    introspected = support.browser.post("/api/oauth/introspect", data=asked, auth=("backend", secret)).json
    assert (introspected["active"], introspected["act"]) == (True, actor)
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert support.browser.get("/api/v1/users/me", headers=bearer).status_code == 200
    assert support.browser.put("/api/v1/auth/profile", json={"full_name": "X"}, headers=bearer).status_code == 403
    # The clients of one's own, without cookies, meet the same door.
    program = support.app.test_client()
    refused = program.put("/api/v1/auth/profile", json={"full_name": "X"}, headers=bearer)
    assert (refused.status_code, refused.json["error"]) == (403, "acting_forbids")
    renewed = support.client.refresh(tokens["refresh_token"])
    assert renewed.status_code == 200
    again = renewed.json
    assert claims(again["access_token"])["act"] == actor
    assert claims(again["access_token"])["exp"] == int(started.timestamp()) + 900
    assert again["refresh_expires_in"] == 300
    support.send("/acting/end")
    for token in (tokens["access_token"], again["access_token"]):
        assert support.client.userinfo(token).status_code == 401
        jti = claims(token)["jti"]
        assert support.facts.one("SELECT count(*) FROM revoked_tokens WHERE jti = :jti", jti=jti) == 1
    assert support.client.refresh(again["refresh_token"]).status_code == 400
    kinds = {details(each)["what"] for each in support.records("acting:used")}
    assert kinds == {"authorize", "refresh"}
    (redeemed,) = support.records("oauth:code:redeemed")
    for record in [redeemed, *support.records("acting:used")]:
        assert (record.actor, record.ip, record.user_agent) == (support.administrator_id, "", "")
    assert support.facts.all("SELECT DISTINCT client_ip FROM refresh_tokens") == [("",)]


def test_at_the_limit_tokens_are_over_and_applications_hear_of_it(here: Support, clock: Clock) -> None:
    add_client(here.app, "told", backchannel_logout_uri="https://told.example.com/logout")
    here.act(minutes="2")
    code = here.client.code()
    waiting = here.client.code()
    tokens = here.client.redeem(code).json
    clock.advance(seconds=121)
    assert here.client.redeem(waiting).status_code == 400
    assert here.client.userinfo(tokens["access_token"]).status_code == 401
    assert here.client.refresh(tokens["refresh_token"]).status_code == 400
    # Nobody comes back: the portal ends it by itself.
    here.with_services(lambda services: services.acting.settle())
    assert here.ending() == "expired"


def test_nobody_consents_for_the_person(here: Support) -> None:
    add_client(here.app, "third", consent_policy="once")
    here.act()
    asked = here.client.parameters(client_id="third")
    page = here.browser.get("/api/oauth/authorize", query_string=asked, follow_redirects=True)
    assert is_page(page, 403)
    assert "The person has not allowed this application yet" in page.text
    silent = here.browser.get("/api/oauth/authorize", query_string={**asked, "prompt": "none"})
    assert answer(silent)["error"] == "consent_required"
    assert here.facts.one("SELECT count(*) FROM consents") == 0

    def consent(services: Any) -> None:
        client = services.clients.get("third")
        services.consents.grant(here.person_id, client, asked["scope"].split(), NOBODY)

    here.with_services(consent)
    assert "code" in answer(here.browser.get("/api/oauth/authorize", query_string={**asked, "prompt": "none"}))
    # Hints at the administrator, who is logged in here as well, lead nowhere else.
    hinted = {**asked, "prompt": "none", "login_hint": EMAIL}
    code = answer(here.browser.get("/api/oauth/authorize", query_string=hinted))["code"]
    assert claims(here.client.redeem(code, client_id="third").json["access_token"])["sub"] == here.person_id
    login = here.browser.get("/api/oauth/authorize", query_string={**asked, "prompt": "login"}, follow_redirects=True)
    assert login.status_code == 403


def test_logging_out_ends_it_all(here: Support) -> None:
    here.act()
    here.send("/logout")
    assert here.browser.get("/account").location.startswith("/login")
    assert here.ending() == "administrator_left"
    assert here.facts.one("SELECT count(*) FROM user_sessions WHERE ended_at IS NULL") == 0


def test_the_person_is_told_and_sees_who_looked_and_can_end_it(support: Support) -> None:
    received(support.app)
    support.act()
    (mail,) = received(support.app)
    assert (mail.template, mail.to, mail.values["reason"]) == ("account_seen", PERSON, REASON)
    assert ADMINISTRATORS_ADDRESS not in str(mail)
    support.client.tokens()
    person = support.in_browser(support.app)
    person.environ_base["REMOTE_ADDR"] = "192.0.2.9"
    log_in(person, PERSON)
    seen = person.get("/account/activity").text
    for said in ("Support began to look at your account.", REASON, "Support opened", "By an administrator"):
        assert said in seen
    assert ADMINISTRATORS_ADDRESS not in seen
    listed = person.get("/account/sessions").text
    assert "Support" in listed
    assert ADMINISTRATORS_ADDRESS not in listed
    with support.app.app_context():
        export = support.app.extensions["services"].exports.make(support.person_id, NOBODY)
    assert ADMINISTRATORS_ADDRESS not in str(export)
    assert support.administrator_id not in str(export)
    assert [each["act_reason"] for each in export["sessions"] if each["act_reason"]] == [REASON]
    token = csrf_token(person, "/account/sessions")
    assert person.post("/account/sessions/end-others", data={"csrf_token": token}).status_code == 303
    assert support.who() == "ada"


def test_another_person_needs_an_end_first_and_beginning_anew_replaces(here: Support) -> None:
    here.act()
    assert here.begin(here.administrator_id).status_code == 403
    token = csrf_token(here.browser, "/account/profile")
    assert here.browser.post(f"/admin/people/{here.person_id}/act", data={"csrf_token": token}).status_code == 403
    # A second tab that still has the administrator's own session: the first acting ends.
    here.browser.delete_cookie("portal_acting")
    here.act()
    assert here.facts.one("SELECT count(*) FROM user_sessions WHERE end_reason = 'acting_replaced'") == 1
    assert here.who() == "as bob"
    assert PASSWORD not in here.browser.get("/account").text
