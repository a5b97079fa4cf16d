"""One code and one refresh token used by many at once, over several workers: never two answers that differ.

CONTENTION_ROUNDS=200 makes the long run (``make test ARGS=tests/flows/test_contention.py``).
"""

import os
import re
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.portal import Portal
from tests.relying_party import CHALLENGE, EMAIL, PASSWORD, VERIFIER

REDIRECT_URI = "https://client.example.com/callback"
AT_ONCE = 50
ROUNDS = int(os.environ.get("CONTENTION_ROUNDS", "5"))

pytestmark = pytest.mark.parametrize("live_portal", ["sqlite", "postgresql+redis"], indirect=True)


@pytest.fixture(scope="module")
def browser_session(live_portal: Portal) -> requests.Session:
    """A person who is logged in, and a first-party client."""
    live_portal.flask("users", "create", EMAIL, "--password", PASSWORD)
    live_portal.flask(
        *("clients", "create", "many", "--redirect-uri", REDIRECT_URI, "--scope", "openid profile"),
        *("--consent", "implicit"),
    )
    session = requests.Session()
    page = session.get(f"{live_portal.url}/login", timeout=10).text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert token
    form = {"csrf_token": token[1], "email": EMAIL, "password": PASSWORD}
    assert session.post(f"{live_portal.url}/login", data=form, allow_redirects=False, timeout=10).status_code == 303
    return session


def new_code(portal: Portal, session: requests.Session) -> str:
    query = {
        "response_type": "code",
        "client_id": "many",
        "redirect_uri": REDIRECT_URI,
        "scope": "openid profile",
        "prompt": "none",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    answer = session.get(f"{portal.url}/api/oauth/authorize", params=query, allow_redirects=False, timeout=10)
    return parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]


def redeem(portal: Portal, code: str) -> requests.Response:
    form = {"grant_type": "authorization_code", "client_id": "many", "code": code, "redirect_uri": REDIRECT_URI}
    return requests.post(f"{portal.url}/api/oauth/token", data={**form, "code_verifier": VERIFIER}, timeout=30)


def refresh(portal: Portal, token: str) -> requests.Response:
    form = {"grant_type": "refresh_token", "client_id": "many", "refresh_token": token}
    return requests.post(f"{portal.url}/api/oauth/token", data=form, timeout=30)


def at_once(call: object, portal: Portal, value: str) -> list[requests.Response]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda _: call(portal, value), range(AT_ONCE)))  # type: ignore[operator]


def userinfo(portal: Portal, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{portal.url}/api/oauth/userinfo", headers=headers, timeout=10).status_code


def test_one_of_many_redemptions_wins_and_the_reuse_kills_what_it_won(
    live_portal: Portal, browser_session: requests.Session
) -> None:
    for _ in range(ROUNDS):
        answers = at_once(redeem, live_portal, new_code(live_portal, browser_session))
        won = [answer.json() for answer in answers if answer.status_code == 200]
        assert len(won) == 1
        assert {answer.json()["error"] for answer in answers if answer.status_code != 200} == {"invalid_grant"}
        assert userinfo(live_portal, won[0]["access_token"]) == 401
        assert refresh(live_portal, won[0]["refresh_token"]).json()["error"] == "invalid_grant"


def test_of_many_refreshes_all_successes_are_the_same_and_one_leaf_lives(
    live_portal: Portal, browser_session: requests.Session
) -> None:
    for _ in range(ROUNDS):
        first = redeem(live_portal, new_code(live_portal, browser_session)).json()
        answers = at_once(refresh, live_portal, first["refresh_token"])
        won = {answer.json()["refresh_token"] for answer in answers if answer.status_code == 200}
        assert len(won) == 1
        assert 1 <= sum(answer.status_code == 200 for answer in answers) <= 3
        assert {answer.json()["error"] for answer in answers if answer.status_code != 200} == {"invalid_grant"}
        assert refresh(live_portal, won.pop()).status_code == 200
