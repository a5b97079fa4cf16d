"""What is long is marked for the style sheet, whole and as text."""

import pytest
from flask import Flask
from markupsafe import Markup

from app.web.presentation import cut, cut_address, cut_host, in_words
from tests.security.answers import Markup as Read

LONG = 'Ada "the Countess" <Lovelace> & daughters'
ADDRESS = "ada.lovelace.of.ockham@research.department.example.com"
HOST = "accounts.google.com.of-somebody-else.example"


@pytest.mark.parametrize("shorten", [cut, cut_address, cut_host])
def test_what_is_short_is_text_and_nothing_else(shorten: type) -> None:
    assert shorten("a<b>") == Markup("a&lt;b&gt;")


@pytest.mark.parametrize(
    ("shorten", "text"), [(cut, LONG), (cut_address, ADDRESS), (cut_address, LONG), (cut_host, HOST), (cut_host, LONG)]
)
def test_what_is_long_stays_whole_as_text_and_as_title(shorten: type, text: str) -> None:
    markup = shorten(text)
    assert Read(markup).text == text
    assert f'title="{Markup.escape(text)}"' in markup
    assert "<Lovelace>" not in markup


def test_a_name_that_runs_from_the_right_turns_nothing_beside_it() -> None:
    assert cut("\u0645\u062d\u0645\u062f") == Markup("<bdi>\u0645\u062d\u0645\u062f</bdi>")
    assert 'dir="auto"' in cut("\u05d0" * 30)


def test_of_an_address_the_end_stands_apart() -> None:
    assert '<span class="cut-end">ent.example.com</span>' in cut_address(ADDRESS)
    assert '<span class="cut-end">@a.example</span>' in cut_address(f"{'x' * 60}@a.example")


def test_in_a_sentence_whole_characters_stay() -> None:
    family = "\U0001f469\u200d\U0001f469\u200d\U0001f467"
    assert in_words(family * 20) == family * 20
    assert in_words(family * 21) == family * 19 + "\u2026"
    assert in_words("Ada Lovelace of Ockham") == "Ada Lovelace of Ock\u2026"


def test_a_sentence_around_it_settles_its_particles(app: Flask) -> None:
    with app.test_request_context(headers={"Accept-Language": "ko"}):
        page = app.jinja_env.from_string("{{ _('Return to %(app)s', app=name | cut) }}")
        assert Read(page.render(name="맥스랩" * 10)).text == "맥스랩" * 10 + "으로 돌아가기"
        assert Read(page.render(name="스튜디오" * 10)).text == "스튜디오" * 10 + "로 돌아가기"
