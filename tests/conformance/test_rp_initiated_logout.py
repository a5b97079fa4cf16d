"""The plan ``oidcc-rp-initiated-logout-certification-test-plan``, one test for each module.

Where the plan lets a server choose between an error page and asking the person, the portal shows an error page for what
it cannot check, and asks where nothing is wrong but nobody vouches for the request.
"""

import json
import secrets
from urllib.parse import urlencode, urlsplit

import pytest
from joserfc import jws
from joserfc.jwk import OctKey, RSAKey

from tests.browser_http import Document
from tests.conformance import id_tokens
from tests.conformance.relying_party import ISSUER, POST_LOGOUT_REDIRECT_URI, Login, RelyingParty


@pytest.fixture
def login(rp: RelyingParty) -> Login:
    """The person is logged in at the relying party."""
    return rp.log_in(state=secrets.token_hex(64))


def end_session(rp: RelyingParty, **query: str) -> Document:
    """Send the browser to the end session endpoint."""
    return rp.browser.open(f"{rp.endpoint('end_session')}?{urlencode(query)}")


def assert_logged_out(rp: RelyingParty) -> None:
    assert rp.refused(rp.ask(prompt="none")) == "login_required"


def assert_refused(rp: RelyingParty, document: Document, *texts: str) -> None:
    """An error page that says what is wrong; the browser stayed at the portal and the person logged in."""
    assert (document.status, urlsplit(document.url).path) == (400, "/api/oauth/logout"), document.url
    assert document.url.startswith(f"{ISSUER}/")
    for text in texts:
        assert text in document.text
    rp.accepted(rp.ask(prompt="none"))


def confirm(rp: RelyingParty, document: Document) -> Document:
    """What the person does on the page that asks."""
    assert (document.status, urlsplit(document.url).path) == (200, "/api/oauth/logout"), document.url
    return rp.browser.submit(document, document.form("request", "csrf_token"))


def assert_logged_out_page(rp: RelyingParty, document: Document) -> None:
    assert (document.status, document.url.partition("?")[0]) == (200, f"{ISSUER}/logged-out")
    assert_logged_out(rp)


def test_oidcc_rp_initiated_logout_discovery_endpoint_verification(rp: RelyingParty) -> None:
    """Metadata names the endpoint, and everything that is an endpoint is on https."""
    endpoints = {name: value for name, value in rp.metadata.items() if name.endswith("_endpoint")}
    assert endpoints["end_session_endpoint"] == f"{ISSUER}/api/oauth/logout"
    assert all(value.startswith("https://") for value in endpoints.values())


def test_oidcc_rp_initiated_logout(rp: RelyingParty, login: Login) -> None:
    """With a hint of the person: logged out at once and sent back with the state and nothing else."""
    state = secrets.token_hex(64)
    document = end_session(
        rp,
        id_token_hint=login.tokens["id_token"],
        post_logout_redirect_uri=POST_LOGOUT_REDIRECT_URI,
        state=state,
    )
    assert document.url == f"{POST_LOGOUT_REDIRECT_URI}?state={state}"
    assert_logged_out(rp)


def test_oidcc_rp_initiated_logout_bad_post_logout_redirect_uri(rp: RelyingParty, login: Login) -> None:
    """An address that is not registered is named on an error page and not gone to."""
    bad = "https://client.example.com/bad_post_logout_redirect_uri"
    hint = login.tokens["id_token"]
    document = end_session(rp, id_token_hint=hint, post_logout_redirect_uri=bad, state="s")
    assert_refused(rp, document, "post_logout_redirect_uri", bad)


def test_oidcc_rp_initiated_logout_modified_id_token_hint(rp: RelyingParty, login: Login) -> None:
    """The ID token made unsigned is no hint."""
    hint = id_tokens.unsigned(login.claims)
    document = end_session(rp, id_token_hint=hint, post_logout_redirect_uri=POST_LOGOUT_REDIRECT_URI, state="s")
    assert_refused(rp, document, "id_token_hint")


def test_oidcc_rp_initiated_logout_no_id_token_hint(rp: RelyingParty, login: Login) -> None:
    """An address to go on to, and nobody who vouches for it."""
    document = end_session(rp, post_logout_redirect_uri=POST_LOGOUT_REDIRECT_URI, state="s")
    assert_refused(rp, document, "post_logout_redirect_uri", "id_token_hint")


def test_oidcc_rp_initiated_logout_no_params(rp: RelyingParty, login: Login) -> None:
    """The person is asked, and logged out."""
    document = end_session(rp)
    rp.accepted(rp.ask(prompt="none"))
    assert_logged_out_page(rp, confirm(rp, document))


def test_oidcc_rp_initiated_logout_no_post_logout_redirect_uri(rp: RelyingParty, login: Login) -> None:
    """With a hint and no address: logged out at once, on a page of the portal."""
    document = end_session(rp, id_token_hint=login.tokens["id_token"], state="s")
    assert_logged_out_page(rp, document)


def test_oidcc_rp_initiated_logout_no_state(rp: RelyingParty, login: Login) -> None:
    """Without a state none is sent back."""
    hint = login.tokens["id_token"]
    document = end_session(rp, id_token_hint=hint, post_logout_redirect_uri=POST_LOGOUT_REDIRECT_URI)
    assert document.url == POST_LOGOUT_REDIRECT_URI
    assert_logged_out(rp)


def test_oidcc_rp_initiated_logout_only_state(rp: RelyingParty, login: Login) -> None:
    """As without any parameter."""
    document = end_session(rp, state=secrets.token_hex(64))
    rp.accepted(rp.ask(prompt="none"))
    assert_logged_out_page(rp, confirm(rp, document))


def test_oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri(rp: RelyingParty, login: Login) -> None:
    """A query added to the registered address makes another one."""
    bad = f"{POST_LOGOUT_REDIRECT_URI}?foo=bar"
    hint = login.tokens["id_token"]
    document = end_session(rp, id_token_hint=hint, post_logout_redirect_uri=bad, state="s")
    assert_refused(rp, document, "post_logout_redirect_uri", bad)


@pytest.mark.parametrize("forger", ["the client, with its secret", "anybody, naming a key of the portal"])
def test_oidcc_rp_initiated_logout_bad_id_token_hint(rp: RelyingParty, login: Login, forger: str) -> None:
    """A hint that the portal did not sign is no hint, whatever it says."""
    if forger.startswith("the client"):
        assert rp.secret
        claims = {**login.claims, "iss": rp.client_id, "aud": ISSUER, "sub": "SubjectID", "nonce": "flibble"}
        hint = sign({"alg": "HS256"}, claims, OctKey.import_key(rp.secret))
    else:
        hint = sign(id_tokens.header(login.tokens["id_token"]), login.claims, RSAKey.generate_key(2048))
    document = end_session(rp, id_token_hint=hint, post_logout_redirect_uri=POST_LOGOUT_REDIRECT_URI, state="s")
    assert_refused(rp, document, "id_token_hint")


def sign(header: dict[str, str], claims: dict[str, object], key: OctKey | RSAKey) -> str:
    """A token signed by somebody else."""
    return jws.serialize_compact(header, json.dumps(claims), key)
