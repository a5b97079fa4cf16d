"""Section A, where an answer may go: redirect URIs are compared as strings, and nothing else is ever redirected to.

RFC 6749 sections 3.1.2 and 4.1.2.1, RFC 9700 sections 2.1 and 4.11.2, RFC 8252 sections 7 and 8.
"""

from urllib.parse import urlencode

import pytest

from app.services.clients.differences import visible
from tests.relying_party import REDIRECT_URI, RelyingParty
from tests.security.answers import Markup, is_accepted, is_page
from tests.security.parties import Parties

HOST = "https://client.example.com"
ELSEWHERE = {
    "another host": "https://evil.test/callback",
    "subdomain": "https://a.client.example.com/callback",
    "as a subdomain of another": "https://client.example.com.evil.test/callback",
    "longer name": "https://xclient.example.com/callback",
    "final dot": "https://client.example.com./callback",
    "registered as user": "https://client.example.com@evil.test/callback",
    "registered as user with port": "https://client.example.com:443@evil.test/callback",
    "registered in the query": f"https://evil.test/?{REDIRECT_URI}",
    "registered in the path": f"https://evil.test/{REDIRECT_URI}",
    "registered in the fragment": f"https://evil.test/#{REDIRECT_URI}",
    "plain http": "http://client.example.com/callback",
    "no scheme": "//client.example.com/callback",
    "no host": "https:///callback",
    "one slash": "https:/client.example.com/callback",
    "path alone": "/callback",
    "word": "callback",
    "wildcard": "https://*.example.com/callback",
    "user": "https://ada@client.example.com/callback",
    "user and password": "https://ada:secret@client.example.com/callback",
    "empty user": "https://@client.example.com/callback",
    "backslashes": "https:\\\\client.example.com\\callback",
    "backslash before the host": "https://evil.test\\@client.example.com/callback",
    "backslash after the host": "https://client.example.com\\@evil.test/callback",
    "encoded slash in the host": "https://client.example.com%2F.evil.test/callback",
    "encoded @": "https://client.example.com%40evil.test/callback",
    "address in brackets": "https://[::1]/callback",
    "broken brackets": "https://[client.example.com/callback",
    "zone": "https://[fe80::1%25eth0]/callback",
    "mapped address": "https://[::ffff:7f00:1]/callback",
    "cyrillic letter": "https://\u0441lient.example.com/callback",
    "full-width letters": "https://\uff43lient.example.com/callback",
    "ideographic full stop": "https://client\u3002example.com/callback",
    "one dot leader": "https://client.example\u2024com/callback",
    "full-width slash": "https://client.example.com\uff0fcallback",
    "zero-width space": "https://client.example.com\u200b/callback",
    "soft hyphen": "https://cli\u00adent.example.com/callback",
    "right to left": "https://client.example.com/\u202ecallback",
    "punycode": "https://xn--lient-3ve.example.com/callback",
    "sharp s": "https://client.example.com/\u00df",
}
PATHS = {
    "final slash": "/callback/",
    "two slashes": "//callback",
    "upper case": "/Callback",
    "shorter": "/callbac",
    "longer": "/callback2",
    "root": "/",
    "none": "",
    "another directory": "/x/callback",
    "dot": "/./callback",
    "dot at the end": "/callback/.",
    "up and away": "/callback/../evil",
    "up and back": "/x/../callback",
    "encoded dots": "/callback/%2e%2e/evil",
    "encoded slash": "/callback%2F..%2Fevil",
    "encoded letter": "/%63allback",
    "encoded twice": "/%2563allback",
    "path parameter": "/callback;x=1",
    "backslash": "/callback\\..\\evil",
    "space": "/callback ",
    "encoded space": "/callback%20",
    "tab": "/callback\t",
    "line feed": "/callback\n",
    "header": "/callback\r\nLocation: https://evil.test/",
    "encoded header": "/callback%0d%0aLocation:%20https://evil.test/",
    "zero": "/callback\x00",
    "encoded zero": "/callback%00",
    "quotes": '/callback"><script>alert(1)</script>',
    "attribute": "/callback' onmouseover='alert(1)",
    "template": "/callback{{7*7}}${7*7}",
    "very long": "/callback" + "a" * 5000,
}
SCHEMES = (
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "JaVaScRiPt:alert(1)",
)
OTHER_SCHEMES = (
    "file:///etc/passwd",
    "blob:https://client.example.com/1",
    "about:blank",
    "ftp://client.example.com/callback",
)


AT_HOME = "http://localhost:1/Elsewhere/"


def is_refused_for_its_address(client: RelyingParty, uri: str, *, like: str = "https://elsewhere.test/") -> None:
    """The page of a harmless wrong address, with the received one as text and nothing more."""
    # Developers on this machine see what is registered as well, and the request once more.
    ours = {tag for each in (like, AT_HOME) for tag in is_page(client.authorize(redirect_uri=each)).tags}
    for response in (
        client.authorize(redirect_uri=uri),
        client.authorize(redirect_uri=uri, prompt="none", response_mode="form_post"),
        client.browser.post("/api/oauth/authorize", data=client.parameters(redirect_uri=uri)),
    ):
        markup = is_page(response)
        assert set(markup.tags) <= ours
        assert "invalid_redirect_uri" in markup.text
        said = " ".join(markup.text.split()).replace("\x00", "\ufffd")
        # What cannot be seen is named.
        shown = {" ".join(each.replace("\x00", "\ufffd").split()) for each in (uri[:2000], visible(uri[:2000]))}
        told = any(each in said for each in shown)
        assert told or urlencode({"redirect_uri": uri}) in said.replace(" ", "")


@pytest.mark.parametrize("uri", ELSEWHERE.values(), ids=ELSEWHERE)
def test_a02_nobody_is_sent_to_an_address_of_another_site_or_one_that_looks_like_ours(
    parties: Parties, uri: str
) -> None:
    is_refused_for_its_address(parties.web, uri)


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_a03_the_path_is_compared_character_by_character(parties: Parties, path: str) -> None:
    is_refused_for_its_address(parties.web, HOST + path)


@pytest.mark.parametrize("uri", [f" {REDIRECT_URI}", f"\t{REDIRECT_URI}", f"<{REDIRECT_URI}>", f'"{REDIRECT_URI}"'])
def test_a03_nothing_is_trimmed(parties: Parties, uri: str) -> None:
    is_refused_for_its_address(parties.web, uri)


def test_a03_an_address_that_was_encoded_twice_is_another_one(parties: Parties) -> None:
    is_refused_for_its_address(parties.web, "https%3A%2F%2Fclient.example.com%2Fcallback")


@pytest.mark.parametrize("query", ["?x=1", "?", "??", "?code=1", "&x=1", "?x=1&x=2", "%3Fx=1"])
def test_a04_no_query_may_be_added(parties: Parties, query: str) -> None:
    is_refused_for_its_address(parties.web, REDIRECT_URI + query)


@pytest.fixture(scope="module")
def with_query(parties: Parties) -> RelyingParty:
    """A client whose redirect URI has a query."""
    return parties.client("query", redirects=[f"{REDIRECT_URI}?x=1&y=%20"])


@pytest.mark.parametrize("query", ["", "?x=1", "?x=2&y=%20", "?y=%20&x=1", "?x=1&y=+", "?x=1&y=%20&z=3", "?X=1&y=%20"])
def test_a04_a_registered_query_may_neither_change_nor_go(with_query: RelyingParty, query: str) -> None:
    is_refused_for_its_address(with_query, REDIRECT_URI + query)


def test_a04_a_registered_query_is_kept_in_the_answer(with_query: RelyingParty) -> None:
    response = with_query.authorize(redirect_uri=f"{REDIRECT_URI}?x=1&y=%20")
    assert response.location.startswith(f"{REDIRECT_URI}?x=1&y=%20&code=")
    refused = with_query.authorize(redirect_uri=f"{REDIRECT_URI}?x=1&y=%20", scope="nonsense")
    assert refused.location.startswith(f"{REDIRECT_URI}?x=1&y=%20&error=invalid_scope&")


@pytest.mark.parametrize(
    "uri",
    [
        "https://CLIENT.example.com/callback",
        "https://client.example.COM/callback",
        "HTTPS://client.example.com/callback",
        "https://client.example.com:443/callback",
        "https://client.example.com:0443/callback",
        "https://client.example.com:80/callback",
        "https://client.example.com:8443/callback",
        "https://client.example.com:/callback",
        "https://client.example.com:x/callback",
        "https://client.example.com:99999/callback",
    ],
)
def test_a05_host_and_port_are_not_normalised(parties: Parties, uri: str) -> None:
    is_refused_for_its_address(parties.web, uri)


def test_a05_a_registered_default_port_may_not_be_left_out(parties: Parties) -> None:
    client = parties.client(redirects=["https://client.example.com:443/callback"])
    is_refused_for_its_address(client, REDIRECT_URI)
    is_accepted(
        client.authorize(redirect_uri="https://client.example.com:443/callback"),
        to="https://client.example.com:443/callback",
    )


def test_a05_a_client_never_gets_its_answer_at_the_address_of_another(parties: Parties) -> None:
    client = parties.client(redirects=["https://other.example.com/callback"])
    is_refused_for_its_address(client, REDIRECT_URI)


@pytest.mark.parametrize("fragment", ["#", "#frag", "#code=1", "#/../evil", "#@evil.test", "%23frag"])
def test_a08_no_fragment_may_be_added(parties: Parties, fragment: str) -> None:
    is_refused_for_its_address(parties.web, REDIRECT_URI + fragment)


@pytest.mark.parametrize("given", [None, ""], ids=["missing", "empty"])
@pytest.mark.parametrize("scope", ["openid", "openid profile", "profile openid"])
def test_a10_an_openid_request_names_its_redirect_uri(parties: Parties, scope: str, given: str | None) -> None:
    markup = is_page(parties.web.authorize(redirect_uri=given, scope=scope))
    assert "invalid_request" in markup.text


@pytest.mark.parametrize("given", [None, ""], ids=["missing", "empty"])
def test_a10_a_plain_request_may_leave_out_the_only_redirect_uri(parties: Parties, given: str | None) -> None:
    code = is_accepted(parties.web.authorize(redirect_uri=given, scope="profile"))
    assert parties.web.redeem(code, redirect_uri=None).status_code == 200


@pytest.mark.parametrize("scope", ["openid", "profile"])
def test_a10_of_two_redirect_uris_one_must_be_named(parties: Parties, scope: str) -> None:
    client = parties.client(redirects=[REDIRECT_URI, "https://client.example.com/second"])
    markup = is_page(client.authorize(redirect_uri=None, scope=scope))
    assert "invalid_request" in markup.text
    is_accepted(client.authorize(redirect_uri=REDIRECT_URI, scope=scope))


@pytest.fixture(scope="module")
def native(parties: Parties) -> RelyingParty:
    """A program on a device that listens on a port it gets from the system; Ada is asked each time."""
    redirects = ["http://127.0.0.1/cb", "http://[::1]/cb", "http://localhost:7000/cb", "com.example.app:/cb"]
    return parties.client("native", redirects=redirects)


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1/cb",
        "http://127.0.0.1:53211/cb",
        "http://127.0.0.1:80/cb",
        "http://127.0.0.1:65535/cb",
        "http://[::1]/cb",
        "http://[::1]:53211/cb",
        "http://localhost:7000/cb",
        "com.example.app:/cb",
    ],
)
def test_a11_a_native_client_is_answered_on_any_port_of_its_loopback_address(native: RelyingParty, uri: str) -> None:
    is_accepted(native.authorize(redirect_uri=uri), to=uri)


@pytest.mark.parametrize(
    "uri",
    [
        "http://LOCALHOST:7000/cb",
        "http://127.0.0.1.evil.test/cb",
        "http://127.0.0.1:53211.evil.test/cb",
        "http://127.0.0.1:53211@evil.test/cb",
        "http://127.0.0.1@evil.test:53211/cb",
        "http://evil.test@127.0.0.1:53211/cb",
        "http://127.0.0.2:53211/cb",
        "http://127.1:53211/cb",
        "http://2130706433:53211/cb",
        "http://0x7f.0.0.1:53211/cb",
        "http://0177.0.0.1:53211/cb",
        "http://127.0.0.01:53211/cb",
        "http://0.0.0.0:53211/cb",
        "http://\u2460\u2461\u2466.0.0.1:53211/cb",
        "http://127\u30020.0.1:53211/cb",
        "http://[0:0:0:0:0:0:0:1]:53211/cb",
        "http://[::0001]:53211/cb",
        "http://[::ffff:127.0.0.1]:53211/cb",
        "http://[::1%25lo]:53211/cb",
        "http://[::1]evil.test:53211/cb",
        "http://[::1].evil.test:53211/cb",
        "http://::1:53211/cb",
        "http://[::2]:53211/cb",
        "https://127.0.0.1:53211/cb",
        "HTTP://127.0.0.1:53211/cb",
        "http://127.0.0.1:53211/cb/",
        "http://127.0.0.1:53211/CB",
        "http://127.0.0.1:53211/../cb",
        "http://127.0.0.1:53211/cb?x=1",
        "http://127.0.0.1:53211/cb#x",
        "http://127.0.0.1:53211",
        "http://127.0.0.1:53211/cb\r\nX-Injected: 1",
        "http://127.0.0.1:53211\\cb",
        "http://127.0.0.1:/cb",
        "http://127.0.0.1:-1/cb",
        "http://127.0.0.1:+1/cb",
        "http://127.0.0.1: 80/cb",
        "http://127.0.0.1:8e1/cb",
        "http://127.0.0.1:0x50/cb",
        "http://127.0.0.1:123456/cb",
        "com.example.app:/cb/x",
        "com.example.app://cb",
        "COM.example.app:/cb",
        "com.example.app.evil:/cb",
    ],
)
def test_a11_nothing_but_the_port_of_a_loopback_address_may_differ(native: RelyingParty, uri: str) -> None:
    is_refused_for_its_address(native, uri)


@pytest.mark.parametrize("uri", ["http://localhost:53211/cb", "http://localhost/cb"])
def test_a11_the_port_of_localhost_is_as_registered_and_the_developer_reads_what_varies(
    native: RelyingParty, uri: str
) -> None:
    is_refused_for_its_address(native, uri, like="http://localhost:1/cb")
    assert "127.0.0.1" in is_page(native.authorize(redirect_uri=uri)).text


@pytest.mark.parametrize(
    "uri",
    ["http://127.0.0.1:65536/cb", "http://127.0.0.1:99999/cb", "http://[::1]:70000/cb"],
)
def test_a11_a_number_above_65535_is_no_port(native: RelyingParty, uri: str) -> None:
    is_refused_for_its_address(native, uri)


@pytest.mark.parametrize(
    "uri", ["http://127.0.0.1:\uff15\uff13\uff12/cb", "http://127.0.0.1:\u0665\u0663/cb", "http://[::1]:\u0967/cb"]
)
def test_a11_a_port_is_written_in_ascii_digits(native: RelyingParty, uri: str) -> None:
    is_refused_for_its_address(native, uri)


def test_a11_a_confidential_client_is_answered_on_any_port_of_its_loopback_address_and_on_no_other(
    parties: Parties,
) -> None:
    client = parties.client(redirects=["http://127.0.0.1:7000/cb", "https://client.test:7000/cb"], is_confidential=True)
    is_accepted(client.authorize(redirect_uri="http://127.0.0.1:7000/cb"), to="http://127.0.0.1:7000/cb")
    is_accepted(client.authorize(redirect_uri="http://127.0.0.1:53211/cb"), to="http://127.0.0.1:53211/cb")
    is_refused_for_its_address(client, "http://127.0.0.1:53211/other")
    is_refused_for_its_address(client, "https://client.test:53211/cb")


@pytest.mark.parametrize("uri", [*SCHEMES, *OTHER_SCHEMES])
def test_a13_script_and_local_schemes_are_never_followed(parties: Parties, uri: str) -> None:
    is_refused_for_its_address(parties.web, uri)


@pytest.mark.parametrize(
    "uri",
    [
        *SCHEMES,
        *OTHER_SCHEMES,
        "http://client.example.com/callback",
        "https://*.example.com/callback",
        "https://client.example.com/callback#frag",
        "https://ada@client.example.com/callback",
        "https://client.example.com/call back",
        "https://client.example.com/callback\nx",
        "https://client.example.com\\callback",
        'https://client.example.com/"onload="',
        "https://클라이언트.example.com/callback",
        "https:///callback",
        "//client.example.com/callback",
        "/callback",
        "myapp:/callback",
    ],
)
def test_a13_what_could_not_be_redirected_to_cannot_be_registered(parties: Parties, uri: str) -> None:
    result = parties.run("clients", "create", "tricky", "--redirect-uri", uri, "--scope", "openid")
    assert result.exit_code == 1
    assert "redirect URI" in result.output
    markup: Markup = is_page(RelyingParty(parties.browser, "tricky").authorize(redirect_uri=uri))
    assert "invalid_client" in markup.text
