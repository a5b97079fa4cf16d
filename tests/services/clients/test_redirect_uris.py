"""Redirect URIs: what may be registered, what matches (RFC 9700 section 2.1, RFC 8252 sections 7 and 8)."""

import pytest

from app.errors import InvalidInput
from app.services.clients.redirect_uris import match, needs_address, origin, require_registrable


@pytest.mark.parametrize(
    "uri",
    [
        "https://a.example.com/cb",
        "https://a.example.com/cb?x=1",
        "http://localhost:3005/oauth/callback",
        "http://127.0.0.1/cb",
        "http://[::1]:9/cb",
        "com.example.app:/cb",
        "http://app.localhost/cb",
        "http://a.b.localhost:3000/cb",
    ],
)
def test_registrable(uri: str) -> None:
    require_registrable(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/cb",
        "a.example.com/cb",
        "http://a.example.com/cb",
        "https://*.example.com/cb",
        "https://a.example.com/#x",
        "https://user:pw@a.example.com/",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "http://0.0.0.0/cb",
        "https://a.example.com/ cb",
        "https://a.example.com/\ncb",
        "https://[broken/cb",
        "https://a.example.com/cb?code=1",
        "myapp:/cb",
        "https://예시.kr/cb",
        'https://a.example.com/"',
        "http://localhost.example.com/cb",
        "http://evil-localhost/cb",
        "http://app.localhost.example.com/cb",
    ],
)
def test_not_registrable(uri: str) -> None:
    with pytest.raises(InvalidInput):
        require_registrable(uri)


@pytest.mark.parametrize(
    ("registered", "asked", "matches"),
    [
        ("http://127.0.0.1/cb", "http://127.0.0.1:53211/cb", True),
        ("http://127.0.0.1:1/cb", "http://127.0.0.1:53211/cb", True),
        ("http://[::1]/cb", "http://[::1]:7/cb", True),
        ("http://127.0.0.1/cb", "http://localhost:53211/cb", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1.evil.test/cb", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:7/cb/x", False),
        ("http://127.0.0.1/cb", "https://127.0.0.1:7/cb", False),
        ("http://127.0.0.1/cb", "http://user@127.0.0.1:7/cb", False),
        ("http://localhost/cb", "http://localhost:7/cb", False),
        ("https://a.example.com/cb", "https://a.example.com:443/cb", False),
        ("https://a.example.com/a%2Fb", "https://a.example.com/a/b", False),
    ],
)
def test_only_the_port_of_a_loopback_address_may_vary(registered: str, asked: str, matches: bool) -> None:
    assert match(asked, [registered]) is matches
    assert match(registered, [registered])


@pytest.mark.parametrize(
    ("registered", "asked", "is_needed"),
    [
        ("http://localhost:3000/cb", "http://localhost:3001/cb", True),
        ("http://localhost/cb", "http://localhost:3001/cb", True),
        ("http://127.0.0.1/cb", "http://localhost:3001/cb", True),
        ("http://localhost:3000/cb", "http://localhost:3001/other", False),
        ("http://localhost:3000/cb", "http://127.0.0.1:3001/other", False),
        ("http://localhost:3000/cb", "http://localhost.example.com:3001/cb", False),
        ("https://a.example.com/cb", "http://localhost:3001/cb", False),
    ],
)
def test_who_varies_the_port_of_localhost_is_told(registered: str, asked: str, is_needed: bool) -> None:
    assert needs_address(asked, [registered]) is is_needed


@pytest.mark.parametrize(
    "uri",
    [
        "http://192.168.0.7:3000/cb",
        "http://10.1.2.3/cb",
        "http://172.16.0.1/cb",
        "http://[fd00::1]:3000/cb",
        "http://host.docker.internal:3000/cb",
    ],
)
def test_a_local_network_is_taken_where_it_is_allowed_alone(uri: str) -> None:
    require_registrable(uri, allows_network=True)
    with pytest.raises(InvalidInput):
        require_registrable(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "http://172.32.0.1/cb",
        "http://8.8.8.8/cb",
        "http://[2001:db8::1]/cb",
        "http://192.168.0.7.example.com/cb",
        "http://host.docker.internal.example.com/cb",
        "http://0.0.0.0/cb",
        "ftp://192.168.0.7/cb",
    ],
)
def test_what_is_no_local_network_is_never_taken(uri: str) -> None:
    with pytest.raises(InvalidInput):
        require_registrable(uri, allows_network=True)


def test_origins_are_written_as_browsers_do() -> None:
    assert origin("https://A.example.com:443/cb") == "https://a.example.com"
    assert origin("http://[::1]:8/cb") == "http://[::1]:8"
    assert origin("com.example.app:/cb") is None
