"""Section Q, cookies and headers: what every page, answer and cookie carries (OWASP ASVS 5.0 chapter 3, RFC 9700)."""

import re
from importlib.metadata import version

import pytest
from werkzeug.test import TestResponse

from tests.relying_party import PASSWORD, REDIRECT_URI, RelyingParty, csrf_token, log_in
from tests.security.answers import Markup, is_accepted, is_page
from tests.security.pages import FRAMED, LINKS, OF_APPLICATIONS, OWN, Page, secured
from tests.security.parties import Parties, decided

EVERY_PAGE = {**OWN, **OF_APPLICATIONS, **{name: (200, page) for name, (_, page) in FRAMED.items()}}


secure = pytest.fixture(secured, scope="module")


class Shown:
    """Every page once, however many tests look at it."""

    def __init__(self, parties: Parties) -> None:
        self.parties = parties
        self.seen: dict[str, TestResponse] = {}

    def __getitem__(self, name: str) -> TestResponse:
        if name not in self.seen:
            self.seen[name] = EVERY_PAGE[name][1](self.parties)
        return self.seen[name]


@pytest.fixture(scope="module")
def shown(parties: Parties) -> Shown:
    """The pages, by name."""
    return Shown(parties)


def sources(response: TestResponse) -> dict[str, str]:
    """The content security policy, taken apart; the nonce is written as such."""
    nonce = re.search(r"'nonce-([A-Za-z0-9_-]{22})'", response.headers["Content-Security-Policy"])
    assert nonce
    policy = response.headers["Content-Security-Policy"].replace(nonce[1], "N")
    parts = [part.strip().partition(" ") for part in policy.split(";")]
    assert len({name for name, _, _ in parts}) == len(parts)
    return {name: value for name, _, value in parts}


def policy(ancestors: str = "'none'", **more: str) -> dict[str, str]:
    """The policy of every page."""
    return {
        "default-src": "'none'",
        "script-src": "'self' 'nonce-N'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "font-src": "'self'",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "object-src": "'none'",
        "frame-ancestors": ancestors,
        **{name.replace("_", "-"): value for name, value in more.items()},
    }


@pytest.mark.parametrize("name", OWN)
def test_q263_every_page_says_what_it_may_load_and_who_may_frame_it(shown: Shown, name: str) -> None:
    response = shown[name]
    is_page(response, OWN[name][0])
    assert sources(response) == policy(**({"frame_src": "'self'"} if name == "playground" else {}))
    guards(response)


@pytest.mark.parametrize("name", OF_APPLICATIONS)
def test_q263_pages_that_lead_to_an_application_are_no_exception(shown: Shown, name: str) -> None:
    response = shown[name]
    assert (response.status_code, response.mimetype) == (OF_APPLICATIONS[name][0], "text/html")
    assert (sources(response), response.headers["X-Frame-Options"]) == (policy(), "DENY")
    guards(response)


@pytest.mark.parametrize("name", FRAMED)
def test_q263_a_silent_answer_is_framed_by_the_one_origin_it_is_for(shown: Shown, name: str) -> None:
    response = shown[name]
    assert (response.status_code, response.mimetype) == (200, "text/html")
    assert sources(response) == policy(FRAMED[name][0])
    assert "X-Frame-Options" not in response.headers
    guards(response)


def guards(response: TestResponse) -> None:
    """What stands beside the policy, on every page alike; those that mailed links open tell nobody their address."""
    is_link = response.request.path in LINKS
    expected = {**GUARDS, "Referrer-Policy": "no-referrer"} if is_link else GUARDS
    assert {name: response.headers.getlist(name) for name in GUARDS} == {
        name: [value] for name, value in expected.items()
    }


GUARDS = {
    "Content-Type": "text/html; charset=utf-8",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


@pytest.mark.parametrize("name", EVERY_PAGE)
def test_q263_every_script_of_a_page_is_ours_and_no_style_is_written_into_a_tag(shown: Shown, name: str) -> None:
    response = shown[name]
    nonce = nonce_of(response)
    for tag, body in re.findall(r"<script\b([^>]*)>(.*?)</script>", response.text, re.DOTALL):
        if "application/json" in tag:
            continue
        assert (f'nonce="{nonce}"' in tag) or (re.search(r' src="/[^/]', tag) and not body.strip()), tag
    tags = Markup(response.text).tags
    assert [tag for tag in tags if tag[0] == "style" or "style" in tag[1:]] == []
    assert [tag for tag in tags if tag[0] in {"base", "object", "embed", "applet"}] == []


def test_q263_a_nonce_is_good_for_one_answer(parties: Parties) -> None:
    paths = ("/terms", "/terms", "/", "/nothing-here", "/nothing-here")
    assert len({nonce_of(parties.browser.get(path)) for path in paths}) == 5


@pytest.mark.parametrize("name", EVERY_PAGE)
def test_q265_no_page_loads_anything_from_elsewhere(shown: Shown, name: str) -> None:
    response = shown[name]
    loaded = re.findall(
        r"<(?:script|img|iframe|link|source|video|audio)\b[^>]*?\b(?:src|href)=\"([^\"]*)\"", response.text
    )
    assert [address for address in loaded if not re.match(r"/(?![/\\])|data:image/", address)] == []
    assert loaded


IN_ADDRESSES = "code=secret-code&state=secret-state"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/api/oauth/authorize?client_id=nobody&{IN_ADDRESSES}", 400),
        (f"/api/oauth/authorize?client_id=web&redirect_uri=https://evil.test/&{IN_ADDRESSES}", 400),
        (f"/nothing-here?{IN_ADDRESSES}", 404),
        (f"/login?{IN_ADDRESSES}", 200),
        (f"/api/oauth/logout?post_logout_redirect_uri=https://evil.test/&{IN_ADDRESSES}", 400),
    ],
)
def test_q265_what_stands_in_an_address_is_neither_kept_nor_told_elsewhere(
    parties: Parties, path: str, status: int
) -> None:
    response = parties.nobody.get(path)
    markup = is_page(response, status)
    assert (response.headers["Cache-Control"], response.headers["Referrer-Policy"]) == ("no-store", "same-origin")
    assert "ETag" not in response.headers
    assert [address for address in markup.addresses if "secret" in address] == []


def test_q265_the_page_an_answer_arrives_at_does_not_repeat_it(parties: Parties) -> None:
    response = parties.nobody.get(f"/playground/callback?{IN_ADDRESSES}")
    assert (response.headers["Cache-Control"], response.headers["Referrer-Policy"]) == ("no-store", "same-origin")
    assert response.text.replace(nonce_of(response), "") == (
        (calm := parties.nobody.get("/playground/callback")).text.replace(nonce_of(calm), "")
    )


def nonce_of(response: TestResponse) -> str:
    """The nonce of a page's scripts."""
    (nonce,) = re.findall(r"'nonce-([^']+)'", response.headers["Content-Security-Policy"])
    return str(nonce)


def after_login(parties: Parties) -> TestResponse:
    return log_in(parties.app.test_client())


def after_registration(parties: Parties) -> TestResponse:
    browser = parties.app.test_client()
    parties.count += 1
    form = {"name": "Jo", "email": f"new-{parties.count}@example.com", "password": PASSWORD}
    return browser.post("/register", data={**form, "csrf_token": csrf_token(browser, "/register")})


def after_consent(parties: Parties) -> TestResponse:
    browser, page = parties.newcomer()[0], ""
    page = RelyingParty(browser, parties.third.client_id).authorize().location
    return browser.post(page, data={"csrf_token": csrf_token(browser, page), "decision": "allow"})


def after_choice(parties: Parties) -> TestResponse:
    page = parties.web.authorize(prompt="select_account").location
    return parties.browser.post(page, data={"csrf_token": csrf_token(parties.browser, page), "account": "other"})


def after_logout(parties: Parties) -> TestResponse:
    browser, _ = parties.newcomer()
    return browser.post("/logout", data={"csrf_token": csrf_token(browser, "/logout")})


def after_asked_logout(parties: Parties) -> TestResponse:
    browser, _ = parties.newcomer()
    fields = Markup(browser.get("/api/oauth/logout").text).fields
    return browser.post("/api/oauth/logout/confirm", data=fields)


def after_posted(parties: Parties, **changes: str | None) -> TestResponse:
    return parties.browser.post("/api/oauth/authorize", data=parties.web.parameters(**changes))


AFTER_A_FORM: dict[str, tuple[str, Page]] = {
    "login": ("/", after_login),
    "registration": ("/", after_registration),
    "consent": ("/api/oauth/authorize/resume", after_consent),
    "account": ("/login", after_choice),
    "logout": ("/logged-out", after_logout),
    "asked logout": ("/logged-out", after_asked_logout),
    "language": ("/", lambda parties: parties.nobody.post("/language", data={"lang": "en"})),
    "theme": ("/", lambda parties: parties.nobody.post("/theme", data={"theme": "dark"})),
    "posted request": (REDIRECT_URI, after_posted),
    "posted request that is refused": (REDIRECT_URI, lambda parties: after_posted(parties, max_age="x")),
    "posted request that needs a login": ("/login", lambda parties: after_posted(parties, prompt="login")),
}


@pytest.mark.parametrize("name", AFTER_A_FORM)
def test_q266_after_a_form_the_browser_is_told_to_get(parties: Parties, name: str) -> None:
    target, send = AFTER_A_FORM[name]
    response = send(parties)
    assert (response.status_code, response.location.partition("?")[0]) == (303, target)
    assert PASSWORD not in response.location
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/login", 200),
        ("/nothing-here", 404),
        ("/health", 200),
        ("/.well-known/jwks.json", 200),
        ("/.well-known/openid-configuration", 200),
        ("/api/oauth/userinfo", 401),
        ("/api/oauth/token", 405),
        ("/api/oauth/authorize", 400),
        ("/consent?interaction=x", 410),
        ("/select-account", 303),
        ("/static/css/portal.css", 200),
    ],
)
def test_q267_every_answer_over_tls_keeps_the_browser_there(
    secure: Parties, parties: Parties, path: str, status: int
) -> None:
    response = secure.app.test_client().get(path, buffered=True)
    assert response.status_code == status
    assert response.headers.getlist("Strict-Transport-Security") == ["max-age=31536000"]
    # Over plain http the header means nothing (RFC 6797 7.2), and a developer's localhost would be locked.
    assert "Strict-Transport-Security" not in parties.app.test_client().get(path, buffered=True).headers


@pytest.mark.parametrize(
    "path",
    ["/", "/nothing-here", "/health", "/ready", "/.well-known/openid-configuration", "/api/oauth/token", "/developers"],
)
def test_q268_nothing_tells_what_the_portal_is_made_of(parties: Parties, path: str) -> None:
    for method in ("GET", "POST", "OPTIONS", "TRACE", "PROPFIND"):
        response = parties.nobody.open(path, method=method)
        names = {name.lower() for name, _ in response.headers}
        assert not names & {"server", "x-powered-by", "via", "x-runtime", "x-generator"}
        for package in ("flask", "werkzeug", "authlib", "gunicorn", "sqlalchemy", "jinja2"):
            everything = response.text + str(response.headers)
            assert f"{package}/" not in everything.lower()
            assert f"{package} {version(package)}" not in everything.lower()
        assert "Traceback" not in response.text


@pytest.mark.parametrize("name", EVERY_PAGE)
def test_q274_pages_that_stand_in_a_popup_keep_their_opener(shown: Shown, name: str) -> None:
    expected = "same-origin-allow-popups" if name == "playground" else "unsafe-none"
    response = shown[name]
    assert response.headers.getlist("Cross-Origin-Opener-Policy") == [expected]
    assert "Cross-Origin-Embedder-Policy" not in response.headers


STATES = [
    '"><script>alert(1)</script>',
    "'><svg onload=alert(1)>",
    "&quot;&gt;&amp;",
    "</form><form action=https://evil.test>",
    '" onfocus="alert(1)" autofocus="',
    "javascript:alert(1)",
    "{{7*7}} ${7*7} {% raw %}",
    "<!-- -->",
    "\u202e\u2028한글 \U0001f600",
    "</script><script>alert(1)</script>",
]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("is_error", [False, True])
def test_q275_form_post_carries_whatever_the_client_sent_as_text(parties: Parties, state: str, is_error: bool) -> None:
    calm = Markup(parties.web.authorize(response_mode="form_post", max_age="x" if is_error else None).text)
    response = parties.web.authorize(response_mode="form_post", state=state, max_age="x" if is_error else None)
    markup = Markup(response.text)
    assert (response.status_code, sources(response)) == (200, policy())
    assert (markup.action, markup.fields["state"], markup.fields["iss"]) == (
        REDIRECT_URI,
        state,
        "http://localhost:8000",
    )
    expected = {"error", "error_description", "error_uri"} if is_error else {"code"}
    assert set(markup.fields) == {*expected, "state", "iss"}
    assert markup.tags == calm.tags


def test_q275_a_registered_query_is_kept_in_the_address_of_the_form(parties: Parties) -> None:
    uri = f"{REDIRECT_URI}?a=1&copy=2&lt=%22%3E'"
    client = parties.client(redirects=[uri])
    response = client.authorize(response_mode="form_post", redirect_uri=uri)
    assert Markup(response.text).action == uri
    assert response.status_code == 200


def test_q275_the_page_sends_itself_by_one_script_of_ours_and_by_a_button(parties: Parties) -> None:
    response = parties.web.authorize(response_mode="form_post")
    nonce = nonce_of(response)
    inline = re.findall(r"<script nonce=\"([^\"]+)\">(.*?)</script>", response.text)
    assert inline == [(nonce, 'document.getElementById("answer").submit();')]
    assert Markup(response.text).tags.count(("button", "class")) == 1


def test_q275_the_code_of_a_form_is_the_code_of_any_answer(parties: Parties) -> None:
    fields = Markup(parties.web.authorize(response_mode="form_post").text).fields
    assert parties.web.redeem(fields["code"]).status_code == 200
    assert len(is_accepted(parties.web.authorize())) == len(fields["code"])


def test_q275_decisions_on_the_consent_page_keep_to_the_mode(parties: Parties) -> None:
    client = parties.client(is_confidential=True, consent_policy="always")
    page = client.authorize(response_mode="form_post", state=STATES[0]).location
    markup = Markup(decided(parties.browser, page, "deny").text)
    assert (markup.fields["error"], markup.fields["state"], markup.action) == ("access_denied", STATES[0], REDIRECT_URI)
