"""What of a received address differs from a registered one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.clients.differences import LONGEST_SHOWN, Span, differences, nearest, told, unlike, visible
from app.services.clients.redirect_uris import match

REGISTERED = "https://app.test/cb"
CASES = [
    ("http://localhost:3000/cb", "http://localhost:5000/cb", "http://localhost[:3000]/cb", "port"),
    ("https://app.test:443/cb", REGISTERED, "https://app.test[:443]/cb", "port"),
    ("https://app.test/cb/", REGISTERED, "https://app.test/cb[/]", "trailing slash"),
    ("https://app.test", "https://app.test/", "https://app.test", "trailing slash"),
    ("http://app.test/cb", REGISTERED, "[http]://app.test/cb", "scheme"),
    ("HTTPS://app.test/cb", REGISTERED, "[HTTPS]://app.test/cb", "case"),
    ("https://App.test/cb", REGISTERED, "https://[A]pp.test/cb", "case"),
    ("https://app.test/Cb", REGISTERED, "https://app.test/[C]b", "case"),
    ("https://app.dev/cb", REGISTERED, "https://app.[dev]/cb", "host"),
    ("http://localhost:5000/cb", "http://127.0.0.1:5000/cb", "http://[localhost]:5000/cb", "loopback"),
    ("http://127.0.0.1:1/cb", "http://localhost:1/cb", "http://[127.0.0.1]:1/cb", "loopback"),
    ("http://127.0.0.1:9/cb/", "http://127.0.0.1/cb", "http://127.0.0.1:9/cb[/]", "trailing slash"),
    ("https://app.test/a%2Fcb", "https://app.test/a/cb", "https://app.test/a[%2F]cb", "encoding"),
    ("https://app.test/a%2fcb", "https://app.test/a%2Fcb", "https://app.test/a%2[f]cb", "encoding"),
    ("https://app.test/a%252Fcb", "https://app.test/a%2Fcb", "https://app.test/a%2[52]Fcb", "encoding"),
    ("https%3A%2F%2Fapp.test%2Fcb", REGISTERED, "https[%3A%2F%2F]app.test[%2F]cb", "encoding"),
    ("https://app.test/cb?next=1", REGISTERED, "https://app.test/cb[?next=1]", "query"),
    (REGISTERED, "https://app.test/cb?tenant=1", REGISTERED, "query"),
    ("https://app.test/cb#top", REGISTERED, "https://app.test/cb[#top]", "fragment"),
    ("https://me:pw@app.test/cb", REGISTERED, "https://[me:pw]@app.test/cb", "user"),
    ("https://app.test/in/cb", REGISTERED, "https://app.test/[in/]cb", "path"),
    ("https\uff1a//\uff41pp.test/cb", REGISTERED, "https[\uff1a‹U+FF1A›]//[\uff41‹U+FF41›]pp.test/cb", "lookalike"),
    ("https://\u0430pp.test/cb", REGISTERED, "https://[\u0430‹U+0430›]pp.test/cb", "lookalike"),
    ("https://app.test/cb\u200b", REGISTERED, "https://app.test/cb[\u2039U+200B\u203a]", "invisible"),
    (" https://app.test/cb", REGISTERED, "[ ]https://app.test/cb", "invisible"),
    ("http://app.test:80/CB/", REGISTERED, "[http]://app.test[:80]/[CB/]", "scheme port case trailing slash"),
    ("https://app.test/Api/Cb/", "https://app.test/api/cb", "https://app.test/[A]pi/[C]b[/]", "case trailing slash"),
    ("cb", REGISTERED, "cb", "scheme host path"),
    ("https://staging.shop.test/cb", "https://shop.test/cb", "https://[staging.]shop.test/cb", "host"),
    ("https://app.test/api/auth/cb", "https://app.test/auth/cb", "https://app.test/[api/]auth/cb", "path"),
    (
        "https://app.test/\u1112\u1161/cb",
        "https://app.test/%ED%95%98/cb",
        "https://app.test/[\u1112‹U+1112›\u1161‹U+1161›]/cb",
        "lookalike",
    ),
    ("com.example.app:/in", "com.example.app:/cb", "com.example.app:/[in]", "path"),
]
characters = st.sampled_from("aA/:?#%2Ff@[].1 \u200b\uff0f\u0430\x00\ud800") | st.characters()
visible_ascii = st.characters(min_codepoint=33, max_codepoint=126)


def shown(spans: tuple[Span, ...]) -> str:
    return "".join(f"[{span.text}]" if span.differs else span.text for span in spans)


def text(spans: tuple[Span, ...]) -> str:
    return "".join(span.text for span in spans)


@pytest.mark.parametrize(("received", "registered", "marked", "names"), CASES)
def test_what_differs_is_marked_and_named(received: str, registered: str, marked: str, names: str) -> None:
    compared = differences(received, registered)
    assert (shown(compared.received), " ".join(compared.names)) == (marked, names)


def test_what_only_the_registered_one_has_is_marked_there() -> None:
    assert shown(differences("https://app.test/cb", "https://app.test/cb/").registered) == "https://app.test/cb[/]"


@given(st.text(characters, max_size=40), st.text(visible_ascii, max_size=40))
def test_whatever_comes_is_shown_whole_and_has_a_name_unless_it_matches(received: str, registered: str) -> None:
    compared = differences(received, registered)
    assert text(compared.received) == told(received)
    assert text(compared.registered) == registered
    assert (
        compared.names or match(received, [registered]) or registered.startswith(("http://127.0.0.1", "http://[::1]"))
    )


def test_a_value_that_nobody_can_register_is_cut() -> None:
    assert len(text(differences("https://app.test/" + "a" * 8000, REGISTERED).received)) == LONGEST_SHOWN


def test_the_nearest_comes_first() -> None:
    registered = ["https://app.test/other", "https://elsewhere.test/cb", "http://localhost:5000/cb", REGISTERED]
    found = nearest("https://app.test/cb/", registered)
    assert [text(each.registered) for each in found][:2] == [REGISTERED, registered[0]]


def test_names_that_are_no_addresses_are_compared_by_letters() -> None:
    compared = unlike("my-ap", "my-app")
    assert (shown(compared.received), shown(compared.registered)) == ("my-ap", "my-ap[p]")


def test_what_passes_for_another_character_is_named_too() -> None:
    assert told("a\u0430\u0301\uff0f가é\u200b") == "a\u0430‹U+0430›\u0301‹U+0301›\uff0f‹U+FF0F›가é‹U+200B›"
    assert told("plain text/한글") == "plain text/한글"


def test_what_turns_the_text_beside_it_is_named_by_its_code_point() -> None:
    assert visible("a\u202eb c\x00") == "a\u2039U+202E\u203ab c\u2039U+0000\u203a"
