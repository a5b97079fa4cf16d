"""Two names are one however they are typed; what is no name is none; a permission has the form of a scope."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidInput
from app.services.tenancy.names import LONGEST_KEY, group_name, key, permission_name, role_name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("MAX", "max"),
        ("MAX", "\uff2d\uff21\uff38"),
        ("연구소", unicodedata.normalize("NFD", "연구소")),
        ("Straße", "STRASSE"),
        ("Seoul  Lab", " seoul\u3000lab "),
        ("ﬁrst", "FIRST"),
        ("MA\u200bX", "max"),
        ("edi\u115ftor", "Editor\u3164"),
        ("edi\u00adtor\ufe0f", "\ufeffeditor"),
        ("edi\U000e0041tor", "editor"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
    ],
)
def test_two_spellings_of_one_name_have_one_key(one: str, other: str) -> None:
    assert key(one) == key(other)


@pytest.mark.parametrize(("one", "other"), [("MAX", "MAX2"), ("연구소", "연구실"), ("a b", "ab"), ("é", "e")])
def test_two_names_have_two_keys(one: str, other: str) -> None:
    assert key(one) != key(other)


@given(st.text(max_size=40))
def test_a_key_is_its_own_and_that_of_every_case_and_form(text: str) -> None:
    found = key(text)
    assert key(found) == found
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert key(unicodedata.normalize(form, text).casefold()) == key(text.casefold())


@pytest.mark.parametrize("typed", ["editor", "편집자", "team-lead_2", "a.b", "1", "x" * 64])
def test_what_a_role_can_be_called(typed: str) -> None:
    assert role_name(f" {typed} ") == typed


@pytest.mark.parametrize(
    "typed",
    ["", " ", "two words", "-x", "x" * 65, "a/b", "a:b", "a\nb", "a\x00b", "\u200b", "a\u202eb", "😀", "\ud800"],
)
def test_what_no_role_can_be_called(typed: str) -> None:
    with pytest.raises(InvalidInput):
        role_name(typed)


def test_a_role_is_kept_composed() -> None:
    assert role_name(unicodedata.normalize("NFD", "편집자")) == "편집자"


@pytest.mark.parametrize("typed", ["R&D 연구소", "a", "🏗 Site", "x" * 100])
def test_what_a_group_can_be_called(typed: str) -> None:
    assert group_name(typed) == typed


@pytest.mark.parametrize(
    "typed", ["", " ", "\u200b", "x" * 101, "a\nb", "a\x00", "a\u202eb", "\ufdfa" * 100, "x" * 20_000, "\ud800"]
)
def test_what_no_group_can_be_called(typed: str) -> None:
    with pytest.raises(InvalidInput):
        group_name(typed)


def test_a_key_has_room_where_it_is_kept() -> None:
    assert len(key(group_name("\ufdfa" * 11))) <= LONGEST_KEY


@pytest.mark.parametrize(
    "typed", ["manage:reports", "a:b:c", " manage:reports ", "\uff4danage\uff1areports", "a1:b-c_d"]
)
def test_what_a_permission_can_be_called(typed: str) -> None:
    assert permission_name(typed) == unicodedata.normalize("NFKC", typed).strip()


@pytest.mark.parametrize(
    "typed",
    [
        *("", "manage", "Manage:x", "manage:", ":x", "manage: x", "manage:x y", "manage:é", "manage:1x"),
        *("a" * 63 + ":b", "manage:\u0131", "manage:x\x00", "manage:x\u200b"),
    ],
)
def test_what_no_permission_can_be_called(typed: str) -> None:
    with pytest.raises(InvalidInput):
        permission_name(typed)
