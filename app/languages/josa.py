"""Korean particles (josa), whose form depends on the sound before them: 맥스랩으로, 스튜디오로, 구글로.

Knows no framework: :mod:`app.languages` applies it to what is shown.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

# (after a final consonant, after a vowel); 으로/로 alone also takes its short form after ㄹ.
_PAIRS: Final = (
    ("은", "는"),
    ("이", "가"),
    ("을", "를"),
    ("과", "와"),
    ("아", "야"),
    ("이나", "나"),
    ("이랑", "랑"),
    ("으로", "로"),
)


def _notations(closed: str, opened: str) -> Iterator[str]:
    yield from (closed, opened, f"{closed}/{opened}", f"{closed}({opened})", f"{opened}({closed})")
    if closed.endswith(opened):
        yield f"({closed.removesuffix(opened)}){opened}"


_BY_NOTATION: Final = {notation: pair for pair in _PAIRS for notation in _notations(*pair)}
_MARKED: Final = re.compile("|".join(re.escape(n) for n in sorted(_BY_NOTATION, key=len, reverse=True) if "(" in n))
# What a reader skips between a word and its particle: a closing tag, an entity, a bracket and its content, punctuation.
_SILENT_TAIL: Final = re.compile(r"(?:</[a-z][a-z0-9]*>|&#?\w+;|\([^()]*\)|[^\w%+]|_)$", re.IGNORECASE)
_LONGEST_TAIL: Final = 120

_VOWEL, _RIEUL, _CONSONANT = "", "ㄹ", "ㅇ"
# 영 일 이 삼 사 오 육 칠 팔 구. A round number ends in its unit, which closes like 0: 십 백 천 만 억 경, but not 조.
_DIGITS: Final = {
    **dict.fromkeys("178", _RIEUL),
    **dict.fromkeys("036", _CONSONANT),
    **dict.fromkeys("2459", _VOWEL),
}
_ZEROS_READ_JO: Final = range(12, 16)
# Names of single letters as Koreans say them: 엘 and 알 end in ㄹ, 엠 and 엔 in another consonant, the rest in vowels.
_LETTERS: Final = {"l": _RIEUL, "r": _RIEUL, "m": _CONSONANT, "n": _CONSONANT}
_ACRONYM_LENGTH: Final = 5
# How English words end when written in Hangul. The first rule that matches decides; words matching none end in a vowel.
_ENDINGS: Final = (
    (re.compile(r"hub$"), _VOWEL),
    (re.compile(r"(talk|ook)$"), _CONSONANT),
    (re.compile(r"le?$"), _RIEUL),
    (re.compile(r"[aeiou][mn]e$"), _CONSONANT),
    (re.compile(r"([mnb]|ng|[ai]c)$"), _CONSONANT),
    (re.compile(r"(?<![aeiou])[aeiou](p|pp|t|tt|k|ck)$"), _CONSONANT),
)


def josa(word: str, particle: str) -> str:
    """``word`` with the form of ``particle`` that its last sound calls for: ``josa("맥스랩", "로") == "맥스랩으로"``.

    ``particle`` may be either form or a usual notation for both (``은/는``, ``을(를)``, ``(으)로``). Digits and Latin
    letters count as they are read in Korean; other scripts as ending in a vowel. Raises KeyError for other particles.
    """
    return word + _form(word, particle)


def fix_josa(text: str) -> str:
    """``text`` with each particle that stands in both forms (``(으)로``, ``을(를)``) settled by the word before it."""
    return _MARKED.sub(lambda match: _form(match.string[: match.start()], match.group()), text)


def _form(text: str, particle: str) -> str:
    closed, opened = _BY_NOTATION[particle]
    final = _final_sound(text)
    is_open = final == _VOWEL or (closed == "으로" and final == _RIEUL)
    return opened if is_open else closed


def _final_sound(text: str) -> str:
    word = unicodedata.normalize("NFC", text[-_LONGEST_TAIL:])
    while silent := _SILENT_TAIL.search(word):
        word = word[: silent.start()]
    if not word:
        return _VOWEL
    last = word[-1]
    if "가" <= last <= "힣":
        return {0: _VOWEL, 8: _RIEUL}.get((ord(last) - ord("가")) % 28, _CONSONANT)
    if "ㄱ" <= last <= "ㅎ":  # a consonant by its name: 기역, 니은, 리을
        return _RIEUL if last == "ㄹ" else _CONSONANT
    if last in _DIGITS:
        return _final_of_number(word)
    return _final_of_latin(word)


def _final_of_number(word: str) -> str:
    digits = re.sub(r"\D", "", re.search(r"[\d,]+$", word).group())  # type: ignore[union-attr]  # the last is a digit
    zeros = len(digits) - len(digits.rstrip("0"))
    return _VOWEL if zeros in _ZEROS_READ_JO and zeros < len(digits) else _DIGITS[digits[-1]]


def _final_of_latin(word: str) -> str:
    plain = "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))
    match = re.search(r"[A-Za-z]+$", plain)
    if match is None:
        return _VOWEL
    latin = match.group()
    if len(latin) == 1 or (latin.isupper() and len(latin) <= _ACRONYM_LENGTH):
        return _LETTERS.get(latin[-1].lower(), _VOWEL)
    return next((final for ending, final in _ENDINGS if ending.search(latin.lower())), _VOWEL)
