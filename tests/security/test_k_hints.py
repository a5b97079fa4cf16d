"""Section K: which ID tokens are hints at the logout, and for whom (row 194)."""

from collections.abc import Callable
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from tests.conformance import id_tokens
from tests.relying_party import RelyingParty, log_in
from tests.security.ending import (
    CONFIRM,
    LEAVE,
    LOGOUT,
    asked,
    elsewhere,
    hint_of,
    is_alive,
    is_asked,
    is_gone,
    is_over,
    is_stopped,
)
from tests.security.forgery import by_hmac, by_rsa
from tests.security.parties import Parties
from tests.security.test_k_logout import hint, leaving, registered

__all__ = ["hint", "leaving", "registered"]


@pytest.fixture(scope="module")
def foreign() -> RSAKey:
    """A key of somebody else."""
    return RSAKey.generate_key(2048)


def forged_by(parties: Parties, registered: RelyingParty, rsa: RSAKey, kind: str) -> str:
    """What ``kind`` says, in place of the ID token."""
    tokens = registered.tokens()
    good = tokens["id_token"]
    claims, header = id_tokens.claims(good), id_tokens.header(good)
    keys = parties.nobody.get("/.well-known/jwks.json").json["keys"]
    public = RSAKey.import_key(next(key for key in keys if key["kid"] == header["kid"]))
    head, payload, signature = good.split(".")
    others: dict[str, Callable[[], Any]] = {
        "alg none": lambda: id_tokens.unsigned(claims),
        "alg None": lambda: f"{id_tokens.encoded({**header, 'alg': 'None'})}.{payload}.{signature}",
        "another key": lambda: by_rsa(rsa, header, claims),
        "key in the header": lambda: by_rsa(rsa, {**header, "jwk": rsa.as_dict(private=False)}, claims),
        "the client's secret": lambda: by_hmac((registered.secret or "").encode(), header, claims),
        "the public key": lambda: by_hmac(public.as_pem(private=False), header, claims),
        "no signature": lambda: f"{head}.{payload}.",
        "another payload": lambda: f"{head}.{id_tokens.encoded({**claims, 'sub': 'x'})}.{signature}",
        "access token": lambda: tokens["access_token"],
        "refresh token": lambda: tokens["refresh_token"],
        "garbage": lambda: "garbage",
        "too long": lambda: f"{good}{'A' * 9000}",
        "twice": lambda: f"{good} {good}",
    }
    return str(others[kind]())


FORGED = [
    *("alg none", "alg None", "another key", "key in the header", "the client's secret", "the public key"),
    *("no signature", "another payload", "access token", "refresh token", "garbage", "too long", "twice"),
]


@pytest.mark.parametrize("kind", FORGED)
def test_k194_what_is_no_id_token_of_ours_is_no_hint(
    parties: Parties, registered: RelyingParty, foreign: RSAKey, kind: str
) -> None:
    hint = forged_by(parties, registered, foreign, kind)
    about = "error_description" if kind == "too long" else "id_token_hint"
    for more in ({}, {"post_logout_redirect_uri": LEAVE}, {"client_id": "leaving", "post_logout_redirect_uri": LEAVE}):
        for browser in (parties.browser, parties.nobody):
            is_stopped(asked(browser, id_token_hint=hint, state="s", **more), about)
        is_stopped(asked(parties.browser, "POST", id_token_hint=hint, **more), about)
    is_alive(registered)


def test_k194_a_hint_of_another_client_says_nothing_for_this_one(parties: Parties, registered: RelyingParty) -> None:
    hint = hint_of(parties.other)
    for browser in (parties.browser, parties.nobody):
        values = {"id_token_hint": hint, "client_id": "leaving", "post_logout_redirect_uri": LEAVE}
        is_stopped(asked(browser, **values), "client_id")
        del values["client_id"]
        is_stopped(asked(browser, **values), "post_logout_redirect_uri")
    is_alive(registered)


OF_OTHERS = ["ended", "alive elsewhere", "of somebody else", "of no session", "expired"]


def signed(parties: Parties, claims: dict[str, Any]) -> str:
    """An ID token of ours that says this. The keys may have to be read again, which takes the database."""
    with parties.app.app_context():
        return str(parties.app.extensions["services"].tokens._sign("RS256", "JWT", claims))


def hint_from(parties: Parties, client: RelyingParty, kind: str) -> str:
    """An ID token of ours that has nothing to do with the browser it comes back in."""
    other = elsewhere(client)
    if kind == "of somebody else":
        other = RelyingParty(parties.newcomer()[0], client.client_id, client.secret)
    if kind == "of no session":
        # As one of an older release could be: the session is not named.
        return signed(parties, {**id_tokens.claims(hint_of(client)), "sid": None})
    hint = hint_of(other)
    if kind == "ended":
        is_gone(asked(other.browser, id_token_hint=hint), "/logged-out?client_id=leaving")
    if kind == "expired":
        hint = signed(parties, {**id_tokens.claims(hint), "iat": 1, "exp": 2})
    return hint


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("kind", OF_OTHERS)
def test_k194_an_id_token_of_another_session_makes_the_portal_ask(
    parties: Parties, leaving: RelyingParty, kind: str, method: str
) -> None:
    """Section 2: whoever came by such a token could log people out by a link."""
    hint = hint_from(parties, leaving, kind)
    values = {"id_token_hint": hint, "post_logout_redirect_uri": LEAVE, "state": "s"}
    form = is_asked(asked(leaving.browser, method, **values))
    is_alive(leaving)
    # The answer of the person counts, and leads back to the application as it asked.
    is_gone(leaving.browser.post(CONFIRM, data=form), f"{LEAVE}?state=s")
    is_over(leaving)


def test_k194_nor_does_it_by_a_form_of_another_site(parties: Parties, leaving: RelyingParty) -> None:
    """Which comes without the cookie, and goes on with it."""
    form = {"id_token_hint": hint_of(elsewhere(leaving)), "post_logout_redirect_uri": LEAVE}
    response = parties.nobody.post(LOGOUT, data=form)
    assert response.location.startswith("/api/oauth/logout/resume")
    is_asked(leaving.browser.get(response.location))
    is_alive(leaving)


def test_k194_an_expired_id_token_of_this_session_is_as_good_as_a_fresh_one(
    parties: Parties, leaving: RelyingParty
) -> None:
    hint = signed(parties, {**id_tokens.claims(hint_of(leaving)), "iat": 1, "exp": 2})
    is_gone(asked(leaving.browser, id_token_hint=hint, post_logout_redirect_uri=LEAVE), LEAVE)
    is_over(leaving)


def test_k194_another_application_logs_out_by_its_own_id_token_of_the_session_alone(
    parties: Parties, leaving: RelyingParty
) -> None:
    """The session is the same; an ID token of another application that shares it vouches for that one."""
    other = RelyingParty(leaving.browser, parties.other.client_id, parties.other.secret)
    is_stopped(
        asked(leaving.browser, id_token_hint=hint_of(other), post_logout_redirect_uri=LEAVE), "post_logout_redirect_uri"
    )
    is_stopped(asked(leaving.browser, id_token_hint=hint_of(other), client_id="leaving"), "client_id")
    is_alive(leaving)
    is_gone(asked(leaving.browser, id_token_hint=hint_of(other)), "/logged-out?client_id=other")
    is_over(leaving)


def test_k194_who_logged_in_again_is_in_the_session_the_id_token_is_of(leaving: RelyingParty) -> None:
    hint = hint_of(leaving)
    assert log_in(leaving.browser, path="/login?switch=1").status_code == 303
    is_gone(asked(leaving.browser, id_token_hint=hint, post_logout_redirect_uri=LEAVE), LEAVE)
    is_over(leaving)
