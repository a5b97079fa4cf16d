"""What is said of a redirect URI: an error exactly where registration refuses, and which site it is of."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import InvalidInput
from app.services.clients.redirect_advice import ApplicationType, Level, Silent, Verdict, judged, same_site
from app.services.clients.redirect_uris import require_registrable

PORTAL = "https://login.example.com"
POPUP, NATIVE = ApplicationType.POPUP, ApplicationType.NATIVE
PIECES = [
    *(
        "https",
        "HTTP",
        "http",
        "com.example.app",
        "app",
        "javascript",
        ":",
        "://",
        "/",
        "//",
        "..",
        "%2e%2E",
        "@",
        "#",
        "?",
    ),
    *(
        "*",
        "localhost",
        "127.0.0.1",
        "[::1]",
        "[",
        "192.168.0.4",
        "host.docker.internal",
        "앱",
        "xn--",
        "app.example.com",
    ),
    *(":443", ":99999", "code=1", "&", "\x00", "\ud800", " ", "\\", "ａ", "x" * 2000),
]


def codes(verdict: Verdict) -> dict[str, str]:
    return {each.code: each.level.value for each in verdict.advice}


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.sampled_from(PIECES), max_size=7).map("".join) | st.text(max_size=30),
    st.sampled_from(ApplicationType),
    st.booleans(),
)
def test_an_error_is_what_registration_refuses_and_nothing_else(uri: str, kind: ApplicationType, network: bool) -> None:
    try:
        require_registrable(uri, allows_network=network)
        is_refused = False
    except InvalidInput:
        is_refused = True
    verdict = judged(uri, kind, portal=PORTAL, registered=[uri, f"{uri}/"], allows_network=network)
    assert (verdict.level is Level.ERROR) is is_refused
    assert any(each.level is Level.ERROR for each in verdict.advice) is is_refused
    assert verdict.advice
    assert all(each.sentence for each in verdict.advice)


@pytest.mark.parametrize(
    ("uri", "kind", "expected"),
    [
        ("", "web", {"empty": "error"}),
        ("http://app.example.com/cb", "web", {"plain_http": "error"}),
        ("http://192.168.0.4/cb", "web", {"private_network": "error"}),
        ("https://*.example.com/cb", "popup", {"wildcard": "error"}),
        ("https://app.example.com/cb#x", "popup", {"fragment": "error"}),
        ("https://app.example.com/a b", "popup", {"characters": "error"}),
        ("https://me:pw@app.example.com/cb", "web", {"userinfo": "error"}),
        ("https://app.example.com/cb?code=1", "web", {"protocol_parameter": "error"}),
        ("https://app.example.com:99999/cb", "web", {"invalid": "error"}),
        ("myapp:/cb", "native", {"scheme_without_dot": "error"}),
        ("Com.example.app:/cb", "native", {"scheme_case": "error"}),
        ("app.example.com/cb", "web", {"no_scheme": "error"}),
        (f"https://app.example.com/{'x' * 2000}", "web", {"too_long": "error"}),
        ("http://*.example.com/#x", "web", {"wildcard": "error", "fragment": "error", "plain_http": "error"}),
        ("https://app.example.com/cb", "popup", {"fine": "fine"}),
        ("https://app.example.com/cb?x=1", "web", {"query": "fine", "fine": "fine"}),
        ("https://APP.example.com/Cb", "popup", {"upper_case": "warning"}),
        ("HTTPS://app.example.com/cb", "popup", {"upper_case": "warning"}),
        ("https://app.example.com:443/cb", "popup", {"default_port": "warning"}),
        ("http://localhost:80/cb", "popup", {"default_port": "warning", "localhost": "warning"}),
        ("https://app.example.com:8443/cb", "popup", {"fine": "fine"}),
        ("https://app.example.com/a/../cb", "popup", {"traversal": "warning"}),
        ("https://app.example.com/a/%2e%2E/cb", "popup", {"traversal": "warning"}),
        ("https://app.example.com/a/...", "popup", {"fine": "fine"}),
        ("https://203.0.113.7/cb", "web", {"ip_address": "warning"}),
        ("https://[2001:db8::1]/cb", "web", {"ip_address": "warning"}),
        ("https://intranet/cb", "web", {"single_label": "warning"}),
        ("https://app.example.com./cb", "web", {"trailing_dot": "warning"}),
        ("https://xn--9d0bp01a.example.com/cb", "web", {"punycode": "warning"}),
        ("http://localhost:3000/cb", "native", {"localhost_of_program": "warning"}),
        ("http://127.0.0.1/cb", "native", {"loopback_of_program": "fine", "fine": "fine"}),
        ("http://127.0.0.1:3000/cb", "redirect", {"loopback": "warning"}),
        ("https://app.example.com/cb", "native", {"claimed_https": "fine", "fine": "fine"}),
        ("com.example.app:/cb", "native", {"program_can_be_claimed": "fine", "fine": "fine"}),
        ("com.example.app://cb", "native", {"scheme_slashes": "warning", "program_can_be_claimed": "fine"}),
        ("com.example.app:/cb", "popup", {"scheme_in_browser": "warning", "program_can_be_claimed": "fine"}),
        ("https://app.example.com/cb", "service", {"service": "warning"}),
    ],
)
def test_each_slip_has_its_name_and_its_level(uri: str, kind: str, expected: dict[str, str]) -> None:
    assert codes(judged(uri, ApplicationType(kind), portal=PORTAL)) == expected


def test_a_name_in_other_letters_is_shown_in_both() -> None:
    refused, *_ = judged("https://앱.example.com:8443/cb", POPUP, portal=PORTAL).advice
    assert (refused.code, refused.value) == ("non_ascii", "https://xn--rf5b.example.com:8443/cb")
    again = judged(refused.value or "", POPUP, portal=PORTAL).advice[0]
    assert (again.code, again.value) == ("punycode", "앱.example.com")
    # Full-width letters are another spelling of a plain name; half a surrogate is no letter at all.
    assert judged("https://ａpp.example.com/cb", POPUP, portal=PORTAL).advice[0].value == "https://app.example.com/cb"
    assert judged("https://\ud800.example.com/cb", POPUP, portal=PORTAL).advice[0].value is None


def test_an_address_is_judged_beside_those_that_are_registered() -> None:
    def found(uri: str) -> dict[str, str]:
        return codes(judged(uri, POPUP, portal=PORTAL, registered=["https://app.example.com/cb"]))

    assert found("https://app.example.com/cb") == {"registered": "fine", "fine": "fine"}
    assert found("https://app.example.com/cb/") == {"slash": "warning"}
    assert found("https://app.example.com/cb2") == {"fine": "fine"}


def test_development_takes_its_network_and_says_what_that_means() -> None:
    verdict = judged("http://192.168.0.4/cb", POPUP, portal=PORTAL, allows_network=True)
    assert codes(verdict) == {"private_network": "warning", "ip_address": "warning"}


@pytest.mark.parametrize(
    ("uri", "portal", "is_same"),
    [
        ("https://app.example.com/cb", PORTAL, True),
        ("https://example.com:8443/cb", PORTAL, True),
        ("https://APP.Example.COM/cb", PORTAL, True),
        # Schemefully, as cookies have it.
        ("http://app.example.com/cb", PORTAL, False),
        ("https://example.com.evil.net/cb", PORTAL, False),
        ("https://notexample.com/cb", PORTAL, False),
        ("https://shop.co.kr/cb", "https://login.other.co.kr", False),
        ("https://a.shop.co.kr/cb", "https://login.shop.co.kr", True),
        # Suffixes under which anybody gets a name: the neighbours are strangers.
        ("https://one.github.io/cb", "https://two.github.io", False),
        ("https://a.one.github.io/cb", "https://one.github.io", True),
        ("https://a.github.io/cb", "https://github.io", False),
        ("https://a.co.kr/cb", "https://co.kr", False),
        ("http://localhost:3000/cb", "http://localhost:8000", True),
        ("http://localhost:3000/cb", "http://127.0.0.1:8000", False),
        ("http://127.0.0.1:3000/cb", "http://127.0.0.1:8000", True),
        ("https://1.2.3.4/cb", "https://9.2.3.4", False),
        ("https://[2001:db8::1]/cb", "https://[2001:db8::1]:8443", True),
        ("https://intranet/cb", "https://login.intranet", False),
        # As in the list's own examples, of a name in other letters.
        ("https://a.xn--85x722f.xn--55qx5d.cn/cb", "https://b.xn--85x722f.xn--55qx5d.cn", True),
        ("https://a.xn--55qx5d.cn/cb", "https://b.xn--55qx5d.cn", False),
        ("https://app.example.com./cb", PORTAL, True),
    ],
)
def test_a_site_is_scheme_and_registrable_domain(uri: str, portal: str, is_same: bool) -> None:
    verdict = same_site(uri, portal)
    assert verdict.is_same is is_same
    assert verdict.silent is (Silent.FRAME if is_same else Silent.REDIRECT)


def test_what_a_site_means_for_silent_login_depends_on_the_cookie_and_on_there_being_a_page() -> None:
    far, near = "https://app.other.com/cb", "https://app.example.com/cb"
    assert same_site(far, PORTAL, sends_cookies_elsewhere=True).silent is Silent.SOME_FRAMES
    assert same_site(near, PORTAL, sends_cookies_elsewhere=True).silent is Silent.FRAME
    for uri in ("com.example.app:/cb", "https://[", "javascript:alert(1)", "", "https://앱.com/"):
        verdict = same_site(uri, PORTAL)
        assert (verdict.site, verdict.is_same, verdict.silent) == (None, False, Silent.NONE), uri
    assert judged(near, NATIVE, portal=PORTAL).site.silent is Silent.NONE
