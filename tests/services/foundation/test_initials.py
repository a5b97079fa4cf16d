"""Where there is no picture one or two whole characters stand for a name, whatever it is made of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.foundation.initials import of_application, of_person
from app.services.foundation.texts import clusters

FAMILY = "\U0001f469\u200d\U0001f469\u200d\U0001f467"
KOREA = "\U0001f1f0\U0001f1f7"


@pytest.mark.parametrize(
    ("name", "initials"),
    [
        ("Ada King", "AK"),
        ("ada", "A"),
        ("Ada Byron King", "AK"),
        ("김민수", "민수"),
        ("김 민수", "민수"),
        ("남궁민수", "민수"),
        ("이준", "이준"),
        ("홍", "홍"),
        ("블라디미르", "블"),
        ("김민수 Ada", "김A"),
        ("山田 太郎", "山太"),
        ("山田太郎", "山"),
        ("e\u0301lodie", "E\u0301"),
        ("\u00e9lodie", "\u00c9"),
        ("\u0915\u094d\u0937\u0924\u094d\u0930\u093f\u092f", "\u0915\u094d\u0937"),
        (FAMILY, FAMILY),
        (f"{FAMILY} Kim", f"{FAMILY}K"),
        (KOREA, KOREA),
        ('"Ada"', "A"),
        ("(주)맥스", "맥스"),
        ("- Ada", "A"),
        ("!", "!"),
        ("...", "."),
        ("()", "("),
        ("(Ada)", "A"),
        ("\u00dfeta", "\u00df"),
        ("\u10d0\u10d1", "\u10d0"),
        ("7 Days", "7D"),
        ("", "?"),
        (" ", "?"),
    ],
)
def test_the_initials_of_a_person(name: str, initials: str) -> None:
    assert of_person(name) == initials


@pytest.mark.parametrize(
    ("name", "mark"),
    [
        ("MAX FlowStudio", "FS"),
        ("MAX LLM", "LL"),
        ("MAX", "MA"),
        ("Playground", "P"),
        ("playground", "P"),
        ("(주)맥스", "맥"),
        ("㈜맥스", "맥"),
        ("주식회사 맥스", "맥"),
        ("주식회사", "주"),
        ("MAX 맥스랩", "맥"),
        ("[Beta] Tools", "T"),
        ("3D Viewer", "3"),
        (FAMILY, FAMILY),
        (f"MAX {KOREA} Travel", KOREA),
        ("\u00c9cole\u00c9tat", "\u00c9\u00c9"),
        ("***", "*"),
        ("", "?"),
    ],
)
def test_the_mark_of_an_application(name: str, mark: str) -> None:
    assert of_application(name) == mark


@given(st.text(max_size=30))
def test_no_name_breaks_a_page_or_gives_more_than_two_characters(name: str) -> None:
    for stand in (of_person(name), of_application(name)):
        assert stand
        assert 1 <= len(clusters(stand)) <= 2
