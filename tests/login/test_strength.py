"""How strong a new password is: judged by the server, in the shown language, for forms of ours, and kept nowhere."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.relying_party import PASSWORD, csrf_token


def judged(browser: FlaskClient, password: str, language: str = "en", **fields: str) -> dict[str, object]:
    form = {"csrf_token": csrf_token(browser, "/register"), "password": password, **fields}
    answer = browser.post("/password-strength", data=form, headers={"Accept-Language": language})
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert answer.headers["Cache-Control"] == "no-store"
    assert set(answer.json) == {"score", "advice"}
    return dict(answer.json)


@pytest.mark.parametrize(
    ("password", "scores", "advice"),
    [
        ("password", {0}, "This is a top-10 common password."),
        ("aaaaaaaaaaa", {0}, 'Repeats like "aaa" are easy to guess.'),
        ("x7!q", {0, 1}, "Use 8 or more characters."),
        ("", {0}, "Use a few words"),
        ("violet lantern 72 harbour", {4}, ""),
    ],
)
def test_it_says_how_hard_a_password_is_to_guess_and_why(
    client: FlaskClient, password: str, scores: set[int], advice: str
) -> None:
    answer = judged(client, password)
    assert answer["score"] in scores
    assert str(answer["advice"]).startswith(advice)


def test_advice_is_given_in_the_shown_language(client: FlaskClient) -> None:
    assert judged(client, "password", "ko")["advice"].startswith("가장 흔한 비밀번호 10개 중 하나입니다.")  # type: ignore[attr-defined]


def test_ones_own_name_and_address_are_no_password(client: FlaskClient) -> None:
    alone = judged(client, "zorblaxquimby7")["score"]
    personal = judged(client, "zorblaxquimby7", name="Zorblax Quimby7", email="zorblaxquimby7@example.com")["score"]
    assert (alone, personal) == (4, 0)


@pytest.mark.parametrize("token", ["", "forged"])
def test_only_forms_of_ours_are_answered(client: FlaskClient, token: str) -> None:
    csrf_token(client, "/register")
    answer = client.post("/password-strength", data={"csrf_token": token, "password": "x"})
    assert (answer.status_code, answer.json) == (400, {"error": "invalid_request"})


def test_other_sites_are_not_answered(client: FlaskClient) -> None:
    form = {"csrf_token": csrf_token(client, "/register"), "password": "x"}
    assert client.post("/password-strength", data=form, headers={"Origin": "https://evil.test"}).status_code == 403


def test_what_no_password_can_be_is_not_judged(client: FlaskClient) -> None:
    form = {"csrf_token": csrf_token(client, "/register"), "password": "x" * 1025}
    assert client.post("/password-strength", data=form).status_code == 400


def test_typing_uses_up_a_count_of_its_own(make_app: Callable[..., Flask]) -> None:
    app = make_app(RATE_LIMIT_ENABLED="true", RATE_LIMIT_DEFAULT="3/minute")
    browser = app.test_client()
    form = {"csrf_token": csrf_token(browser, "/register"), "password": "x"}
    answers = [browser.post("/password-strength", data=form) for _ in range(121)]
    assert [each.status_code for each in answers] == [200] * 120 + [429]
    assert answers[-1].json == {"error": "too_many_attempts"}
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert [browser.get("/terms").status_code for _ in range(3)] == [200, 200, 429]


def test_nothing_of_it_reaches_a_log(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    judged(client, PASSWORD)
    assert PASSWORD not in caplog.text
