"""Section S: how often something may be tried, for whom, and what is said beyond that.

OWASP ASVS 5.0 section 6.3.1; RFC 6585 section 4; WSTG-ATHN-03, WSTG-BUSL-05.
"""

import time
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.relying_party import EMAIL, PASSWORD, RelyingParty, add_client, add_person, csrf_token
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
    for answer in answers[5:]:
        markup = is_page(answer, 429)
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
        assert markup.fields["email"] == EMAIL


def test_s284_a_wrong_client_secret_is_limited_and_answered_as_json(make_app: Callable[..., Flask]) -> None:
    app = make_app(RATE_LIMIT_ENABLED="true", RATE_LIMIT_DEFAULT="5/minute")
    add_client(app, "web", is_confidential=True)
    guesser = RelyingParty(app.test_client(), "web", "not the secret")
    answers = [guesser.token(grant_type="client_credentials") for _ in range(7)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429] * 2
    for answer in answers[5:]:
        assert answer.mimetype == "application/json"
        assert 1 <= int(answer.headers["Retry-After"]) <= 60


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
    # Of one address successes count as failures do.
    tried = [("eve@example.com", PASSWORD), ("p@example.com", "wrong")] * 3
    answers = [send(limited, "/login", "203.0.113.1", email=email, password=word).status_code for email, word in tried]
    assert answers == [303, 401, 303, 401, 303, 429]


def test_s291_the_owners_success_gives_a_guesser_no_new_guesses(limited: Flask) -> None:
    outcome = [send(limited, "/login", f"192.0.2.{number}").status_code for number in range(4)]
    assert send(limited, "/login", "203.0.113.1", email=EMAIL, password=PASSWORD).status_code == 303
    outcome += [send(limited, "/login", f"198.51.100.{number}").status_code for number in range(2)]
    assert outcome == [401] * 4 + [429] * 2
