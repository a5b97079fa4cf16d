"""The words people read: one voice in each language, one word for each thing, and no particle left hanging.

What is right is written in ``docs/words.md``; this reads its glossary and its list of Latin words.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from babel.messages.pofile import read_po

from app.languages.josa import fix_josa
from app.services.tenancy.catalogue import PERMISSIONS
from app.services.upkeep.seeding import SCOPES

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs/words.md").read_text()
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]")


class Sentence(NamedTuple):
    """One thing said in both languages."""

    english: str
    korean: str


class Term(NamedTuple):
    """A row of the glossary."""

    english: str
    english_not: list[str]
    korean: list[str]
    korean_not: list[str]


def _cell(text: str) -> list[str]:
    words = re.sub(r"\([^)]*\)", "", text).split(",")
    return [word.strip() for word in words if word.strip(" —")]


def glossary() -> list[Term]:
    table = DOCUMENT.partition("## Glossary")[2].partition("\n## ")[0]
    lines = [line.strip("|") for line in table.splitlines() if line.startswith("| ")]
    rows = [[cell.strip() for cell in line.split("|")] for line in lines]
    return [Term(row[0], *map(_cell, row[1:])) for row in rows[1:]]


GLOSSARY = glossary()
LATIN = set(re.findall(r"`([^`]+)`", DOCUMENT.partition("## Latin in Korean")[2]))


def said() -> list[Sentence]:
    """Every sentence of the catalogue, each form of a plural by itself, and what scopes are called."""
    with (ROOT / "translations/ko/LC_MESSAGES/messages.po").open("rb") as file:
        messages = [message for message in read_po(file, locale="ko") if message.id]
    pairs = [
        Sentence(english, message.string if isinstance(message.string, str) else (message.string or ("",))[0])
        for message in messages
        for english in ((message.id,) if isinstance(message.id, str) else message.id)
    ]
    return pairs + [Sentence(english, korean) for _, english, korean in (*SCOPES, *PERMISSIONS)]


BUTTON_OF_A_PROVIDER = "%(provider)s(으)로 계속하기"
NOUNS = {"개요", "아니요", "필요", "중요"}


def voice(sentence: Sentence) -> Iterator[str]:
    for part in re.split(r"(?<=[.?:])\s+", sentence.korean):
        ending = part.rstrip(".?:…").rpartition(" ")[2]
        if re.search(r"(?<!주세)(?<!마세)요$|죠$", ending) and ending not in NOUNS:
            yield f"{ending}: 해요체"
        if re.search(r"(?<!니)까$|[나가까]요$", ending):
            yield f"{ending}: a question is asked with …습니까"
        if re.search(r"(?<!니)다$", ending):
            yield f"{ending}: 해라체"
    if sentence.korean.endswith("하기") and sentence.korean != BUTTON_OF_A_PROVIDER:
        yield "a button is a noun without 하기"
    if re.search(r"당신|\)s님", sentence.korean):
        yield "how the reader is called"


def _has(term: str, text: str) -> bool:
    return bool(re.search(rf"(?<![\w.-]){re.escape(term)}(?:s|es)?(?![\w-])", text, re.IGNORECASE))


def words(sentence: Sentence) -> Iterator[str]:
    english = PLACEHOLDER.sub("", sentence.english)
    for term in GLOSSARY:
        yield from (f"{wrong}: {term.english}" for wrong in term.english_not if _has(wrong, english))
        if _has(term.english, english):
            rest = re.sub("|".join(map(re.escape, term.korean)), "", sentence.korean)
            yield from (f"{wrong}: {term.korean[0]}" for wrong in term.korean_not if wrong in rest)


# Forms that another sound before them would change; 에, 까지, 에서, 의 and the like have one form.
_FORM = "(?:은|는|이|가|을|를|과|와|으로|로|이나|나|이랑|랑)"
_HANGING = re.compile(rf"(?:%\(\w+\)[sd][)’”]?|[.…]|(?<!\()\)){_FORM}(?![가-힣(])")
_SLASHED = re.compile(r"은/는|이/가|을/를|과/와|으로/로")
_PAIR = re.compile(r"은\(는\)|는\(은\)|이\(가\)|가\(이\)|을\(를\)|를\(을\)|과\(와\)|와\(과\)|\(으\)로")


def particles(sentence: Sentence) -> Iterator[str]:
    if hanging := _HANGING.search(_PAIR.sub("", sentence.korean)):
        yield f"{hanging.group()}: needs both forms"
    if _SLASHED.search(sentence.korean):
        yield "a pair with a slash is not settled"
    if re.search(r"%\((day|moment)\)s\.", sentence.korean) or re.search(r"\d\. \d{1,2}\.", sentence.korean):
        yield "a date ends in a full stop"
    for value in ("김민수", "한글", "Google", "MAX", "3", "2026년 11월 30일", "오후 3:05(KST)"):
        settled = fix_josa(PLACEHOLDER.sub(value, sentence.korean))
        if _PAIR.search(settled):
            yield f"{settled}: both forms reach the page"


def letters(sentence: Sentence) -> Iterator[str]:
    for text in sentence:
        if "!" in text or "！" in text:
            yield "an exclamation mark"
        if "  " in text or text != text.strip() or re.search(r" [.,]", text):
            yield "blanks"
        if "..." in text:
            yield "three full stops"
    if re.search(r"[\"']", sentence.korean):
        yield "straight quotation marks"
    if " …" in sentence.korean:
        yield "a blank before …"


def agreement(sentence: Sentence) -> Iterator[str]:
    ends = [re.sub(r".*?([.?:…]?)$", r"\1", text) for text in sentence]
    if ends[0] != ends[1] and not sentence.english.endswith(","):  # the comma of an address is a full stop in Korean
        yield f"ends in {ends[0] or 'nothing'} and in {ends[1] or 'nothing'}"
    values, others = (sorted(PLACEHOLDER.findall(text)) for text in sentence)
    if values != others:
        yield f"{values} and {others}"


def latin(sentence: Sentence) -> Iterator[str]:
    text = re.sub(r"‘[^’]*’", "", PLACEHOLDER.sub("", sentence.korean))
    for word in re.findall(r"[A-Za-z][\w.:/+@-]*", re.sub(r"[가-힣]+", " ", text)):
        is_code = re.search(r"\w[._:/-]\w", word)
        if not (is_code or word.strip(".:/") in LATIN or len(word) == 1) and f"--{word}" not in text:
            yield f"{word}: English in Korean"


CONTRACTED = re.compile(r"\b(?:can't|won't|it's|let's|\w+'(?:ll|ve|re))(?!\w)", re.IGNORECASE)


def english(sentence: Sentence) -> Iterator[str]:
    yield from (f"{each}: written out" for each in CONTRACTED.findall(sentence.english))


RULES: list[Callable[[Sentence], Iterator[str]]] = [voice, words, particles, letters, agreement, latin, english]


@pytest.mark.parametrize("rule", RULES)
def test_what_is_said_keeps_the_rules(rule: Callable[[Sentence], Iterator[str]]) -> None:
    sentences = said()
    assert len(sentences) > 700
    assert {sentence.english: faults for sentence in sentences if (faults := list(rule(sentence)))} == {}


def test_the_same_english_is_the_same_korean() -> None:
    """Also where the one is a title and the other a sentence, or the one begins with a capital."""
    known: dict[str, str] = {}
    different = []
    for sentence in said():
        key, korean = sentence.english.rstrip(".?:").casefold(), sentence.korean.rstrip(".?:")
        if known.setdefault(key, korean) != korean:
            different.append((sentence.english, known[key], korean))
    assert different == []


def test_the_glossary_is_read() -> None:
    assert len(GLOSSARY) > 35
    assert Term("undo", [], ["되돌리기"], ["취소"]) in GLOSSARY
    assert len({term.english for term in GLOSSARY}) == len(GLOSSARY)
    assert {"MAX", "PKCE"} <= LATIN


@pytest.mark.parametrize(
    ("rule", "english_text", "korean"),
    [
        (voice, "Saved.", "저장했어요."),
        (voice, "Use the kit. Save.", "키트를 쓰세요. 저장해 주세요."),
        (voice, "Go on?", "계속할까요?"),
        (voice, "Is it you?", "본인인가요?"),
        (voice, "Saved.", "저장했다."),
        (voice, "Change", "변경하기"),
        (voice, "Your page", "당신의 페이지"),
        (voice, "Hello, %(name)s", "%(name)s님, 반갑습니다"),
        (words, "Verify the address", "주소 확인"),
        (words, "Log out there", "그곳에서 종료"),
        (words, "Another application", "다른 애플리케이션"),
        (words, "Your e-mail address", "내 이메일"),
        (words, "Your email", "내 이메일"),
        (words, "Sign in", "로그인"),
        (words, "Try to login", "로그인 시도"),
        (words, "Undo it", "취소"),
        (particles, "To %(name)s", "%(name)s로"),
        (particles, "%(name)s and more", "%(name)s과 더"),
        (particles, "%(name)s", "%(name)s은/는"),
        (particles, "On the day", "2026. 11. 30.에"),
        (particles, "On %(day)s", "%(day)s.에"),
        (particles, "The device (new) is", "기기(새것)는 있습니다"),
        (letters, "Saved.", "저장했습니다!"),
        (agreement, "Saved.", "저장했습니다"),
        (agreement, "Is it?", "그렇습니다."),
        (letters, "It is saved.", "저장  했습니다."),
        (letters, "The mark 'a'", "'a' 표시"),
        (letters, "Wait …", "기다리는 중 …"),
        (letters, "Wait …", "기다리는 중..."),
        (agreement, "For %(name)s", "%(nam)s에게"),
        (latin, "Accept", "Accept"),
        (latin, "Edit it", "내용 Edit"),
        (english, "You can't do this.", "할 수 없습니다."),
    ],
)
def test_a_fault_is_found(rule: Callable[[Sentence], Iterator[str]], english_text: str, korean: str) -> None:
    assert list(rule(Sentence(english_text, korean)))


@pytest.mark.parametrize(
    ("english_text", "korean"),
    [
        ("Choose another photo.", "다른 사진을 선택해 주세요."),
        ("Log out of MAX?", "MAX에서 로그아웃하시겠습니까?"),
        ("Give it to nobody.", "다른 사람에게 알려 주지 마세요."),
        ("Return to %(app)s", "%(app)s(으)로 돌아가기"),
        ("It works once, until %(moment)s.", "%(moment)s까지 한 번만 사용할 수 있습니다."),
        ("Your e-mail address is verified.", "이메일 주소가 인증되었습니다."),
        ("Asking the portal …", "포털에 요청하는 중입니다…"),
    ],
)
def test_what_is_right_is_left_alone(english_text: str, korean: str) -> None:
    assert [fault for rule in RULES for fault in rule(Sentence(english_text, korean))] == []
