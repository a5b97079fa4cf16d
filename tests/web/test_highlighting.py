"""Colours of code: whatever the code is, the page shows it to the letter and runs none of it."""

import html
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.portal import highlighting, libraries

LANGUAGES = sorted({library.language for library in libraries.LIBRARIES} | {"html", "bash", "text"})
LETTERS = st.characters(codec="utf-8", exclude_categories=("Cs",), exclude_characters="\r\x00\ufeff")
"""What a line of code may hold; the mark at the beginning of a file is none of it."""
TAG = re.compile(r'<span class="hl-[a-z0-9]+">|</span>')


def read(marked: str) -> str:
    """The text of the elements, as a browser reads it."""
    return html.unescape(TAG.sub("", marked))


@pytest.mark.parametrize("language", LANGUAGES)
@given(code=st.text(LETTERS))
@settings(deadline=None, max_examples=60)
def test_any_text_stays_what_it_is_and_brings_no_element_of_its_own(language: str, code: str) -> None:
    marked = str(highlighting.coloured(code, language))
    assert read(marked) == code
    assert not re.search(r"<(?!span class=\"hl-|/span>)", marked)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_would_end_the_block_is_text(language: str) -> None:
    marked = str(highlighting.coloured("</code></pre><script>alert(1)</script>\"'&amp;", language))
    assert "<script" not in marked
    assert "</code" not in marked
    assert "&amp;amp;" in marked


def test_a_block_begins_and_ends_with_its_code() -> None:
    assert read(highlighting.block("\n\n  a = 1\n\nb = 2\n\n", "python")) == "a = 1\n\nb = 2"


def test_code_has_classes_and_no_styles() -> None:
    marked = highlighting.coloured('const name = "x"; // said', "js")
    assert set(re.findall(r'class="([^"]+)"', marked)) >= {"hl-s2", "hl-c1"}
    assert "style=" not in marked
