"""One or two characters that stand for a person or an application where there is no picture; always whole ones."""

from itertools import chain

import regex

from app.services.foundation.texts import clusters

# What a name says besides the name: (주), ㈜, [Beta], "stock company".
ASIDE = regex.compile(r"\([^()]*\)|\[[^\[\]]*\]|（[^（）]*）|【[^【】]*】|㈜|주식회사|유한회사")
TELLING = regex.compile(r"[\p{L}\p{N}\p{Extended_Pictographic}\p{Regional_Indicator}]")
"""What a character that says something begins with; quotes and dashes say nothing."""
HANGUL = regex.compile(r"[가-힣]{2,4}")


def of_person(name: str) -> str:
    """The beginnings of the first and the last word; of a Korean name the last two syllables, for many share the first.

    ``?`` for a name of which nothing is shown.
    """
    words = _words(name)
    if HANGUL.fullmatch("".join(chain(*words))):
        return "".join(chain(*words))[-2:]
    ends = (words[0], words[-1]) if len(words) > 1 else words
    return "".join(_capital(word[0]) for word in ends) or "?"


def of_application(name: str) -> str:
    """The first two capitals of a name, else its beginning; the platform's own name says nothing about a part of it."""
    words = _words(name)
    telling = [word for word in words if "".join(word) != "MAX"] or words
    capitals = [letter for letter in telling[0] if letter.isupper()] if telling else []
    if len(capitals) > 1:
        return "".join(capitals[:2])
    return _capital(telling[0][0]) if telling else "?"


def _words(name: str) -> list[list[str]]:
    """The telling characters of each word; of a name without any such, its first character."""
    for text in (ASIDE.sub(" ", name), name):
        found = [[letter for letter in clusters(word) if TELLING.match(letter)] for word in text.split()]
        if words := [word for word in found if word]:
            return words
    return [[letter] for letter in clusters(name.strip())[:1]]


def _capital(letter: str) -> str:
    # Some letters become two; Georgian ones a form that hardly any face has, except in titles.
    capital = letter.title()
    return capital if len(clusters(capital)) == 1 else letter
