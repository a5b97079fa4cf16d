"""An address has one spelling, and mail is sent to it where any server would."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidInput
from app.services.people.email_names import UNREACHABLE, fold, in_ascii, is_mailable, normalised

SPELLINGS = {
    "ada@example.com": [
        "Ada@Example.COM",
        " ada@example.com\u00a0",
        "\uff41\uff44\uff41\uff20\uff45\uff58\uff41\uff4d\uff50\uff4c\uff45\uff0e\uff43\uff4f\uff4d",
        "ada@example\u3002com",
        "ada@example\uff61com",
        "a\u200bda@exam\u00adple.com",
        "\ufeffada@example.com\u200e",
        "ada@exa\u200cmple.com",
        "ada@example.com.",
        "ada @ example.com",
        "mailto:ada@example.com",
        "MAILTO:Ada@example.com?subject=Hello%20there",
        "<ada@example.com>",
        "Ada Lovelace <ada@example.com>",
        "Ada Lovelace <mailto:ada@example.com>",
    ],
    "ada@\ud55c\uae00.kr": [
        "ada@\u1112\u1161\u11ab\u1100\u1173\u11af.kr",
        "ada@xn--bj0bj06e.kr",
        "ADA@XN--BJ0BJ06E.KR",
        "ada@\ud55c\uae00\u3002kr",
    ],
    "ada@b\u00fccher.example.com": ["ada@bu\u0308cher.example.com", "ada@B\u00dcCHER.example.com"],
    "ada@stra\u00dfe.de": ["ada@xn--strae-oqa.de"],
}


@pytest.mark.parametrize(("kept", "typed"), [(kept, typed) for kept, each in SPELLINGS.items() for typed in each])
def test_however_it_is_typed_it_is_one_address(kept: str, typed: str) -> None:
    assert fold(typed) == kept
    assert normalised(typed) == kept
    assert fold(in_ascii(kept)) == kept


@given(st.text(max_size=80) | st.from_regex(r"[a-z\u00c0-\u024f\uff21-\uff3a]{1,9}@[\w.\-\u200c\u3002]{1,30}"))
def test_what_was_folded_is_folded_already(typed: str) -> None:
    assert fold(fold(typed)) == fold(typed)


def test_hosts_that_differ_stay_different() -> None:
    """A joiner that means something, and a letter that older rules took for two others."""
    assert fold("a@\u0646\u0627\u0645\u0647\u200c\u0627\u06cc.com") != fold(
        "a@\u0646\u0627\u0645\u0647\u0627\u06cc.com"
    )
    assert fold("a@stra\u00dfe.de") != fold("a@strasse.de")


@pytest.mark.parametrize("typed", ["\ud64d\uae38\ub3d9@example.com", "\u0430da@example.com", "\u0130@example.com"])
def test_where_no_mail_arrives_nobody_registers_and_hears_why(typed: str) -> None:
    assert not is_mailable(fold(typed))
    with pytest.raises(InvalidInput) as refused:
        normalised(typed)
    assert refused.value.message == UNREACHABLE


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "@",
        "ada",
        "ada@",
        "@example.com",
        "ada@xn--zzzzzzz-.com",
        "a@b@example.com",
        "ada@[127.0.0.1]",
    ],
)
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(InvalidInput, match="not an e-mail address"):
        normalised(typed)
