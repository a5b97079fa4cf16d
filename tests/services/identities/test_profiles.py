"""What providers say becomes one form, whatever they say."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.identities.profiles import LONGEST_SUBJECT, ProviderProfile, profile

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def made(**said: Any) -> ProviderProfile:
    found = profile("google", said.pop("subject", "1"), **said)
    assert found is not None
    return found


@pytest.mark.parametrize("subject", [None, "", True, False, 1.5, [], {}, "a\x00b", "a\nb", "x" * (LONGEST_SUBJECT + 1)])
def test_nobody_is_keyed_on_what_names_nobody(subject: Any) -> None:
    assert profile("google", subject) is None


@pytest.mark.parametrize("subject", ["abc", 1, 0, "x" * LONGEST_SUBJECT], ids=["text", "one", "zero", "long"])
def test_a_subject_may_be_a_number(subject: Any) -> None:
    assert made(subject=subject).subject == str(subject)


@pytest.mark.parametrize("verified", [None, "true", 1, "yes", [True], {}, False])
def test_only_true_is_verified(verified: Any) -> None:
    assert made(email="ada@example.com", email_verified=verified).email_verified is False
    assert made(email="ada@example.com", email_verified=True).email_verified is True


@pytest.mark.parametrize(
    "email", [None, "", 42, [], "no address", "a@", "ädä@example.com", "a@b@c", "x" * 300 + "@example.com"]
)
def test_what_is_no_address_is_none_and_never_verified(email: Any) -> None:
    found = made(email=email, email_verified=True)
    assert (found.email, found.email_verified) == ("", False)


@pytest.mark.parametrize(
    "email",
    [
        "Ada@Example.COM",
        " ada@example.com ",
        "ａｄａ＠ｅｘａｍｐｌｅ．ｃｏｍ",
        "ada@example。com",
        "Ada <ada@example.com>",
    ],
)
def test_an_address_is_kept_in_the_spelling_of_accounts(email: str) -> None:
    assert made(email=email, email_verified=True).email == "ada@example.com"


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("김민수", "김민수"),
        ("\u1100\u1175\u11b7\u1106\u1175\u11ab\u1109\u116e", "김민수"),
        ("  Ada \n Lovelace ", "Ada Lovelace"),
        ("Ada\u202eLovelace\u200b", "AdaLovelace"),
        ("가" * 5000, "가" * 200),
        (42, ""),
        (["Ada"], ""),
        (None, ""),
    ],
)
def test_a_name_is_kept_as_accounts_keep_names(name: Any, kept: str) -> None:
    assert made(name=name).name == kept


@pytest.mark.parametrize(
    "picture",
    [
        *(
            "javascript:alert(1)",
            "http://pictures.example.com/a.png",
            "//pictures.example.com/a.png",
            "data:image/png,",
        ),
        *("https://", "https:///a.png", "https://user:pass@evil.example/a", "https://a b/", "https://é.example/", 42),
        *("https://pictures.example.com/" + "a" * 2000, 'https://pictures.example.com/"onerror=', "https://a/\n", None),
    ],
)
def test_only_an_https_address_is_a_picture(picture: Any) -> None:
    assert made(picture=picture).picture == ""


def test_a_good_picture_is_kept() -> None:
    assert made(picture="https://pictures.example.com/a.png?x=1").picture == "https://pictures.example.com/a.png?x=1"


@given(ANYTHING, ANYTHING, ANYTHING, ANYTHING, ANYTHING)
def test_whatever_is_said_makes_a_profile_or_none(
    subject: Any, email: Any, verified: Any, name: Any, picture: Any
) -> None:
    found = profile("google", subject, email=email, email_verified=verified, name=name, picture=picture)
    if found is not None:
        assert found.subject
        assert ProviderProfile.from_dict(found.as_dict()) == found
