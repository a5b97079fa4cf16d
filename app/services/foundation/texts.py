"""Texts that people read: names, descriptions, a few lines about oneself, in the one form in which they are kept.

Kept are whole characters in their composed form (NFC) and otherwise as typed: full-width letters and single jamo stay
what they are. What a reader cannot see is no part of a text. It is taken out, unless it decides how its neighbours
look: joiners between emoji and in the scripts whose letters they join or keep apart (after the idea of
:rfc:`5892#appendix-A`), selectors of a variant behind what has variants, the tags of a flag. Lengths are counted in
code points of what is left, as PostgreSQL counts.
"""

import unicodedata
from functools import lru_cache

import regex

MOST_TYPED = 10_000
"""No text is as long before it is put into form; what is longer need not be."""
MOST_MARKS = 4
"""So many marks stand above and below a letter in writing; more only cover what is written around it."""
# White space of any width, and what else takes room and shows nothing: an empty Braille cell, Hangul fillers …
SPACE = regex.compile(r"[\p{White_Space}\u2800\u3164\uFFA0\U00013441\U00013442\U0001D159]")
# Joiners, selectors of variants and tags: what can decide how a neighbour looks.
_DECIDING = r"[\u200C\u200D\uFE00-\uFE0F\u180B-\u180F\U000E0020-\U000E007F\U000E0100-\U000E01EF]"
NOTHING = regex.compile(
    rf"(?!{_DECIDING})[\p{{Default_Ignorable_Code_Point}}\p{{Cc}}\p{{Cs}}\p{{Co}}\p{{Noncharacter_Code_Point}}\uFFF9-\uFFFB]"
)
"""What shows nothing, says nothing everywhere, or turns the direction of what stands beside it."""
_JOINED = r"[[\p{jt=D}\p{jt=R}\p{jt=L}\p{scx=Arab}]&&\p{L}]"
_INDIC = r"[\P{InSC=Other}&&[\p{L}\p{M}]]"
_VIRAMA = r"[\p{InSC=Virama}\p{InSC=Pure_Killer}\p{InSC=Invisible_Stacker}]"
_BELONGING = (
    # England, Scotland, Wales: a black flag with the letters of a region, and an end.
    r"\U0001F3F4[\U000E0030-\U000E0039\U000E0061-\U000E007A]{1,6}\U000E007F",
    # families, professions, hearts on fire
    r"(?<=\p{Extended_Pictographic}[\uFE0F\p{Emoji_Modifier}]{0,2})\u200D(?=\p{Extended_Pictographic})",
    r"(?<=[\p{Emoji}--[0-9#*]])[\uFE0E\uFE0F]",
    r"(?<=[0-9#*])\uFE0F(?=\u20E3)",
    # variants of ideographs and of signs in formulas
    r"(?<=[\p{Han}\p{Math}\p{Myanmar}\p{Phags_Pa}\p{Manichaean}])[\uFE00-\uFE0D]",
    r"(?<=\p{Han})[\U000E0100-\U000E01EF]",
    r"(?<=\p{Mongolian})[\u180B-\u180D\u180F]",
    # Persian and other scripts whose letters join; the sign of a missing vowel in the scripts of India
    rf"(?<={_JOINED}\p{{M}}{{0,{MOST_MARKS}}})[\u200C\u200D\u180E](?={_JOINED})",
    rf"(?<={_INDIC})[\u200C\u200D](?={_VIRAMA}?[{_INDIC}&&\p{{L}}])",
    rf"(?<={_VIRAMA})\u200D",
)
LOOSE = regex.compile(rf"(?:{'|'.join(_BELONGING)})(*SKIP)(*FAIL)|{_DECIDING}", regex.V1)
FLOOD = regex.compile(rf"([\p{{Mn}}\p{{Me}}]{{{MOST_MARKS}}})[\p{{Mn}}\p{{Me}}]+")
BASELESS = regex.compile(r"(?:^|(?<= ))\p{M}+")
"""Marks on no letter: they would sit on what a page shows before them."""
UNWANTED = regex.compile(r"[\p{Cc}\p{Bidi_Control}\u2028\u2029]")
FROM_THE_RIGHT = regex.compile(r"[\p{Bidi_Class=R}\p{Bidi_Class=AL}]")
CLUSTER = regex.compile(r"\X")


def one_line(text: str) -> str:
    """``text`` as it is kept where one line is meant: words with one space between them; may be empty.

    To do it again changes nothing.
    """
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    return " ".join(_visible(text).split())


def folded(text: str) -> str:
    """By which two lines are one, whatever the case and the width of their letters and however these are composed.

    To do it again changes nothing.
    """
    line = one_line(text)
    # A compatible character may have another case, and a folded one another form (as NFKC_Casefold of Unicode does).
    while (plain := one_line(unicodedata.normalize("NFKC", line).casefold())) != line:
        line = plain
    return line


def some_lines(text: str) -> str:
    """``text`` as it is kept where several lines may be; every kind of line break is a newline."""
    return "\n".join(_visible(line).rstrip() for line in text.splitlines()).strip()


@lru_cache(maxsize=4096)
def shown(kept: str) -> str:
    """A line as it was kept, be it long ago; empty if it shows nothing."""
    return kept if one_line(kept) else ""


def holds_controls(text: str) -> bool:
    """Whether ``text`` holds controls, line breaks or marks of direction, none of which a name has by accident."""
    return UNWANTED.search(text) is not None


def runs_from_the_right(text: str) -> bool:
    """Whether some of ``text`` is read from right to left, as Arabic and Hebrew are."""
    return not text.isascii() and FROM_THE_RIGHT.search(text) is not None


def clusters(text: str) -> list[str]:
    """What a reader calls the characters of ``text`` (grapheme clusters, Unicode Standard Annex 29)."""
    return CLUSTER.findall(text)


def _visible(text: str) -> str:
    # What is taken out can leave its neighbours where they do not belong either; it is two rounds, hardly ever three.
    while (left := _without_invisible(text)) != text:
        text = left
    return text


def _without_invisible(text: str) -> str:
    text = NOTHING.sub("", SPACE.sub(" ", text))
    text = unicodedata.normalize("NFC", LOOSE.sub("", text))
    return BASELESS.sub("", FLOOD.sub(r"\1", text))
