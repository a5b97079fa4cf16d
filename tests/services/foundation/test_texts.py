"""A text is kept in one form: what shows nothing is no part of it, what decides how its neighbours look is."""

import unicodedata
from time import thread_time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.services.foundation.texts import MOST_TYPED, clusters, holds_controls, one_line, shown, some_lines

SPACES = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
BLANK = "\u2800\u3164\uffa0"
INVISIBLE = {
    "zero-width space": "\u200b",
    "byte order mark": "\ufeff",
    "soft hyphen": "\u00ad",
    "word joiner": "\u2060",
    "grapheme joiner": "\u034f",
    "Hangul fillers": "\u115f\u1160",
    "marks of direction": "\u200e\u200f\u061c",
    "overrides of direction": "\u202a\u202b\u202d\u202e\u202c",
    "isolates": "\u2066\u2067\u2068\u2069",
    "invisible operators": "\u2061\u2062\u2063\u2064",
    "selectors of variants": "\ufe00\ufe0e\ufe0f",
    "selectors of ideographs": "\U000e0100\U000e01ef",
    "tags": "\U000e0067\U000e007f",
    "joiners": "\u200c\u200d",
    "controls": "\x00\x07\x1b\x7f\x9f",
    "interlinear signs": "\ufff9\ufffb",
    "private use": "\ue000\U0010fffd",
    "no characters": "\ufdd0\uffff",
    "halves of a pair": "\ud800\udc00",
    "vowels of Khmer that are not written": "\u17b4\u17b5",
}
STAYING = {
    "family": "\U0001f469\u200d\U0001f469\u200d\U0001f467",
    "heart on fire": "\u2764\ufe0f\u200d\U0001f525",
    "scientist of some colour": "\U0001f469\U0001f3fd\u200d\U0001f52c",
    "flag of a country": "\U0001f1f0\U0001f1f7",
    "flag of Scotland": "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "key of a telephone": "1\ufe0f\u20e3",
    "emoji newer than Python's tables": "\U0001fae9",
    "Persian": "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "Persian name": "\u0645\u062d\u0645\u062f\u200c\u0631\u0636\u0627",
    "Hindi": "\u0915\u094d\u200d\u0937",
    "Sinhala": "\u0dc1\u0dca\u200d\u0dbb\u0dd3",
    "Bengali": "\u09b0\u200d\u09cd\u09af\u09be",
    "Malayalam at the end": "\u0d28\u0d4d\u200d",
    "Mongolian": "\u1820\u180b\u180e\u1820",
    "Japanese name": "\u845b\U000e0100\u57ce",
    "Vietnamese": "Nguy\u1ec5n",
    "full-width": "\uff21\uff22\uff23",
    "half-width jamo": "\uffa1",
    "jamo": "\u314b\u314b",
    "Arabic sign of a number": "\u06001",
}


@pytest.mark.parametrize("space", SPACES + BLANK + "\t\n\r\x0b\x0c\x85", ids=lambda each: f"{ord(each):04x}")
def test_words_are_not_glued_when_an_unusual_space_is_taken_out(space: str) -> None:
    assert one_line(f"{space}\uae40{space}{space}\ubbfc\uc218 {space}") == "\uae40 \ubbfc\uc218"
    assert one_line(space * 3) == ""


@pytest.mark.parametrize("signs", INVISIBLE.values(), ids=INVISIBLE.keys())
def test_what_shows_nothing_is_taken_out_of_a_word_and_is_none_alone(signs: str) -> None:
    for sign in signs:
        assert one_line(f"Ad{sign}a") == "Ada", ascii(sign)
        assert one_line(sign) == one_line(sign * 5) == "", ascii(sign)
        assert one_line(f"a {sign} b") == "a b", ascii(sign)
    assert one_line(signs) == ""


@pytest.mark.parametrize("text", STAYING.values(), ids=STAYING.keys())
def test_what_decides_how_its_neighbours_look_stays(text: str) -> None:
    assert one_line(text) == text
    assert one_line(f"a {text} b") == f"a {text} b"
    assert some_lines(f"a\n{text}") == f"a\n{text}"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("\u1112\u1161\u11ab\u1100\u1173\u11af", "\ud55c\uae00"),
        ("e\u0301", "\u00e9"),
        ("e\u200b\u0301", "\u00e9"),
        ("\u0301Ada", "Ada"),
        ("\U0001f469\u200d", "\U0001f469"),
        ("\u200d\U0001f469", "\U0001f469"),
        ("1\ufe0f", "1"),
        ("\u0645\u200c", "\u0645"),
        ("\u0645\u200ca", "\u0645a"),
        ("q" + "\u0323\u0307" * 40 + "x", "q" + "\u0323" * 4 + "x"),
    ],
)
def test_what_is_kept_is_composed_and_nothing_hangs_loose(typed: str, kept: str) -> None:
    assert one_line(typed) == kept


def test_lines_stay_lines_whatever_breaks_them() -> None:
    assert some_lines("\n a\u00a0 b \r\n\r\nc\u2028d\te\x85f\r\n\u200b") == "a  b\n\nc\nd e\nf"
    assert some_lines("\u3164\n\u200b") == ""


@given(st.text(max_size=60))
@example("\u0301 \u200d\u0301")
@example("\U0001f469\u200d\u200b\U0001f469")
def test_what_was_put_into_form_is_in_form(typed: str) -> None:
    for form in (one_line, some_lines):
        kept = form(typed)
        assert form(kept) == kept
        assert unicodedata.is_normalized("NFC", kept)
        kept.encode()
    assert not holds_controls(one_line(typed))
    assert shown(one_line(typed)) == one_line(typed)


@pytest.mark.parametrize(
    "piece", ["\u0301", "\u200d", "\U0001f469\u200d", " \u094d\u200d\u0915", "\u200d\u0301", "\u0628\u064b\u200c"]
)
def test_the_longest_text_there_may_be_takes_no_time(piece: str) -> None:
    began = thread_time()
    one_line(piece * (MOST_TYPED // len(piece)))
    assert thread_time() - began < 1


def test_a_reader_counts_whole_characters() -> None:
    assert clusters("e\u0301" + STAYING["family"] + STAYING["flag of a country"] + "\ud55c") == [
        "e\u0301",
        STAYING["family"],
        STAYING["flag of a country"],
        "\ud55c",
    ]
