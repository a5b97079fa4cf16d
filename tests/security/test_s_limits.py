"""Section S: how often something may be tried, for whom, and what is said beyond that.

OWASP ASVS 5.0 section 6.3.1; RFC 6585 section 4; WSTG-ATHN-03, WSTG-BUSL-05.
"""

import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.api.people import FrontEnd
from tests.relying_party import EMAIL, PASSWORD, RelyingParty, add_client, add_person, answer, csrf_token
from tests.security.answers import is_page
from tests.security.test_i_login import without_secrets
from tests.servers import free_port

LIMITS = {"RATE_LIMIT_ENABLED": "true", "RATE_LIMIT_DEFAULT": "none"}
FORMS = {
    "/login": {"email": EMAIL, "password": "wrong"},
    "/register": {"name": "Min", "email": EMAIL, "password": PASSWORD},
    "/forgot-password": {"email": EMAIL},
}


@pytest.fixture
def limited(make_app: Callable[..., Flask]) -> Flask:
    app = make_app(**LIMITS)
    add_person(app)
    return app


def send(
    app: Flask, path: str, address: str = "192.0.2.1", browser: FlaskClient | None = None, **form: str
) -> TestResponse:
    browser = browser or app.test_client()
    values = {"csrf_token": csrf_token(browser, path), **FORMS.get(path.partition("?")[0], {}), **form}
    return browser.post(path, data=values, environ_base={"REMOTE_ADDR": address})


@pytest.mark.parametrize("path", FORMS)
def test_s284_beyond_the_limit_a_form_is_shown_again_and_says_for_how_long(limited: Flask, path: str) -> None:
    answers = [send(limited, path) for _ in range(7)]
    assert 429 not in {answer.status_code for answer in answers[:5]}
    for refused in answers[5:]:
        markup = is_page(refused, 429)
        assert 1 <= int(refused.headers["Retry-After"]) <= 60
        assert markup.fields["email"] == EMAIL


def test_s284_a_wrong_client_secret_is_limited_and_answered_as_json(make_app: Callable[..., Flask]) -> None:
    app = make_app(RATE_LIMIT_ENABLED="true", RATE_LIMIT_DEFAULT="5/minute")
    add_client(app, "web", is_confidential=True)
    guesser = RelyingParty(app.test_client(), "web", "not the secret")
    answers = [guesser.token(grant_type="client_credentials") for _ in range(7)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429] * 2
    for refused in answers[5:]:
        assert refused.mimetype == "application/json"
        assert 1 <= int(refused.headers["Retry-After"]) <= 60


def test_s287_without_redis_attempts_are_counted_all_the_same(make_app: Callable[..., Flask]) -> None:
    app = make_app(**LIMITS, REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    add_person(app)
    assert [send(app, "/login").status_code for _ in range(7)] == [401] * 5 + [429] * 2


@pytest.mark.parametrize("path", ["/login", "/forgot-password"])
def test_s289_the_limit_is_the_same_for_accounts_that_do_not_exist(limited: Flask, path: str) -> None:
    answers = {
        email: [
            (without_secrets(answer)[0], "Retry-After" in answer.headers, answer.location)
            for answer in (send(limited, path, f"{network}.{number}", email=email) for number in range(7))
        ]
        for email, network in ((EMAIL, "192.0.2"), ("nobody@example.com", "198.51.100"))
    }
    assert answers[EMAIL] == answers["nobody@example.com"]
    assert [status for status, *_ in answers[EMAIL]][5:] == [429] * 2


def test_s290_at_the_seam_of_two_windows_at_most_twice_the_limit_passes(make_app: Callable[..., Flask]) -> None:
    limit, window = 3, 3.0
    app = make_app(**LIMITS, RATE_LIMIT_LOGIN=f"{limit}/{window:.0f} seconds")
    browser, passed = app.test_client(), []
    form = {"csrf_token": csrf_token(browser, "/forgot-password"), "email": EMAIL}
    ends = time.monotonic() + 2.5 * window
    while time.monotonic() < ends:
        moment = time.monotonic()
        if browser.post("/forgot-password", data=form).status_code == 303:
            passed.append(moment)
        time.sleep(0.05)
    assert len(passed) > limit  # a new window was opened
    for moment in passed:
        assert sum(moment <= other < moment + window for other in passed) <= 2 * limit


def test_s291_ones_own_success_wins_no_guesses_at_others(limited: Flask) -> None:
    add_person(limited, "eve@example.com")
    attacker, guesses = limited.test_client(), []
    for turn in range(4):
        address = f"192.0.2.{turn}"
        own = send(limited, "/login?switch=1", address, attacker, email="eve@example.com", password=PASSWORD)
        assert own.status_code == 303
        guesses.append(send(limited, "/login?switch=1", address, attacker, email=EMAIL, password="wrong").status_code)
    assert guesses == [401] * 4
    # Of one address as well a success takes back its own count and no guess's.
    tried = [("eve@example.com", PASSWORD), ("p@example.com", "wrong")] * 6
    answers = [send(limited, "/login", "203.0.113.1", email=email, password=word).status_code for email, word in tried]
    assert answers == [*[303, 401] * 5, 429, 429]


@pytest.mark.parametrize("store", ["embedded", "redis", "redis is away"])
@pytest.mark.parametrize("door", ["page", "api"])
def test_s291_people_who_share_an_address_do_not_use_it_up(
    make_app: Callable[..., Flask], request: pytest.FixtureRequest, store: str, door: str
) -> None:
    urls = {"embedded": "", "redis is away": f"redis://127.0.0.1:{free_port()}/0"}
    url = request.getfixturevalue("redis_url") if store == "redis" else urls[store]
    app = make_app(**LIMITS, **({"REDIS_URL": url} if url else {}))
    people = [f"person-{number}@example.com" for number in range(8)]
    for email in people:
        add_person(app, email)

    def logged_in(email: str, password: str) -> int:
        if door == "page":
            return send(app, "/login", email=email, password=password).status_code
        body = {"email": email, "password": password}
        environ = {"REMOTE_ADDR": "192.0.2.1"}
        return app.test_client().post("/api/v1/auth/login", json=body, environ_base=environ).status_code

    right = 303 if door == "page" else 200
    assert [logged_in(email, PASSWORD) for email in people] == [right] * 8
    # What is wrong counts as ever, between what is right.
    assert [logged_in(people[0], "wrong") for _ in range(2)] == [401] * 2
    assert logged_in(people[1], PASSWORD) == right
    assert [logged_in(email, "wrong") for email in people[2:5]] == [401] * 3
    assert logged_in(people[6], PASSWORD) == 429


def test_s291_typing_ones_password_again_and_changing_it_is_no_guess(make_app: Callable[..., Flask]) -> None:
    app = make_app(**LIMITS)
    add_person(app)
    front = FrontEnd(app)
    assert front.log_in().status_code == 200
    same = {"current_password": PASSWORD, "new_password": PASSWORD}
    for _ in range(7):
        form = {"csrf_token": csrf_token(front.browser, "/"), "password": PASSWORD}
        assert front.browser.post("/confirm", data=form).status_code == 303
        assert front.post("/change-password", same).status_code in {200, 400}
    wrong = {"current_password": "wrong", "new_password": "quite another horse battery 7"}
    assert [front.post("/change-password", wrong).status_code for _ in range(6)] == [400] * 5 + [429]


def test_s291_making_accounts_and_asking_for_mails_counts_though_it_succeeds(limited: Flask) -> None:
    made = [send(limited, "/register", email=f"new-{number}@example.com").status_code for number in range(6)]
    assert made == [303] * 5 + [429]
    asked = [send(limited, "/forgot-password", email=f"new-{number}@example.com").status_code for number in range(6)]
    assert asked == [303] * 5 + [429]


def test_s291_clients_that_prove_themselves_are_not_counted(make_app: Callable[..., Flask]) -> None:
    app = make_app(RATE_LIMIT_ENABLED="true", RATE_LIMIT_DEFAULT="3/minute")
    secret = add_client(app, "robot", is_confidential=True, grants=["client_credentials"], redirects=[])
    right, wrong = (RelyingParty(app.test_client(), "robot", each) for each in (secret, "wrong"))
    assert [right.token(grant_type="client_credentials").status_code for _ in range(7)] == [200] * 7
    assert [wrong.token(grant_type="client_credentials").status_code for _ in range(5)] == [401] * 3 + [429] * 2
    assert right.token(grant_type="client_credentials").status_code == 200
    assert wrong.token(grant_type="client_credentials").status_code == 429


@pytest.mark.parametrize("mode", ["query", "fragment", "form_post", "web_message"])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("prefix", ["/api/oauth", "/oauth"])
def test_s284_a_silent_request_beyond_the_limit_is_answered_by_the_protocol(
    make_app: Callable[..., Flask], mode: str, method: str, prefix: str
) -> None:
    app = make_app(RATE_LIMIT_ENABLED="true", RATE_LIMIT_DEFAULT="3/minute")
    add_client(app, "spa")
    browser = app.test_client()
    values = RelyingParty(browser, "spa").parameters(prompt="none", response_mode=mode)
    sent: dict[str, Any] = {"query_string": values} if method == "GET" else {"data": values}
    for _ in range(3):
        assert "temporarily_unavailable" not in browser.open(f"{prefix}/authorize", method=method, **sent).text
    response = browser.open(f"{prefix}/authorize", method=method, **sent)
    said = response.headers.get("Location") or response.text
    assert "temporarily_unavailable" in said
    assert response.status_code == (200 if mode in {"form_post", "web_message"} else 302 if method == "GET" else 303)
    assert "the-state" in said
    # Nobody else is answered so, nor is anything sent to an address that is not registered.
    for change in (
        {"prompt": "login"},
        {"prompt": ""},
        {"redirect_uri": "https://evil.example.com/"},
        {"client_id": "x"},
    ):
        sent = {"query_string": {**values, **change}} if method == "GET" else {"data": {**values, **change}}
        is_page(browser.open(f"{prefix}/authorize", method=method, **sent), 429)


def test_s284_a_silent_request_that_waits_is_answered_by_the_protocol_as_well(make_app: Callable[..., Flask]) -> None:
    app = make_app(RATE_LIMIT_ENABLED="true", RATE_LIMIT_DEFAULT="2/minute")
    add_client(app, "spa")
    client = RelyingParty(app.test_client(), "spa")
    silent = client.browser.post("/api/oauth/authorize", data=client.parameters(prompt="none")).location
    waiting = client.browser.post("/api/oauth/authorize", data=client.parameters()).location
    assert answer(client.browser.get(silent))["error"] == "temporarily_unavailable"
    is_page(client.browser.get(waiting), 429)


def test_s291_the_owners_success_gives_a_guesser_no_new_guesses(limited: Flask) -> None:
    outcome = [send(limited, "/login", f"192.0.2.{number}").status_code for number in range(4)]
    assert send(limited, "/login", "203.0.113.1", email=EMAIL, password=PASSWORD).status_code == 303
    outcome += [send(limited, "/login", f"198.51.100.{number}").status_code for number in range(2)]
    assert outcome == [401] * 5 + [429]
