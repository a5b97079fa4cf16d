"""Every mail in both languages: complete, in the person's zone, and proof against what people put into their values."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from flask import Flask

from app import create_app
from app.mail.letter import NAMES, Letter, write_letter
from app.settings import Settings
from tests.account.browsing import IPHONE
from tests.portal import close

TO = "ada@example.com"
LINK = "http://localhost:8000/reset-password?token=a-b_c&interaction=d"
IDENTITIES = "http://localhost:8000/account/identities"
MOMENT = {"at": datetime(2026, 9, 21, 6, 5, tzinfo=UTC).isoformat()}
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)
NOTICE = {"at": MOMENT, "device": CHROME, "place": "203.0.113.7"}
VALUES: dict[str, dict[str, Any]] = {
    "verify_email": {"link": LINK, "expires_at": MOMENT},
    "change_email": {"link": LINK, "email": "new@example.com", "expires_at": MOMENT},
    "email_changed": {
        "link": LINK,
        "old_email": "old@example.com",
        "new_email": "new@example.com",
        "expires_at": MOMENT,
    },
    "email_taken": {},
    "invitation": {"link": LINK, "expires_at": MOMENT},
    "reset_password": {"link": LINK, "expires_at": MOMENT},
    "password_changed": NOTICE,
    "new_device": {**NOTICE, "link": "http://localhost:8000/account/sessions"},
    "test_mail": NOTICE,
    "sessions_ended": {**NOTICE, "count": 3},
    "deletion_requested": {"deletes_at": MOMENT, "link": "http://localhost:8000/account/data"},
    "deletion_cancelled": {},
    "account_deleted": {},
    "account_disabled": {},
    "account_enabled": {},
    "password_set": {},
    "account_seen": {
        "until": MOMENT,
        "reason": "She cannot find her project",
        "link": "http://localhost:8000/account/activity",
    },
    "role_changed": {"role": "admin"},
    "primary_group_changed": {"group": "Seoul Lab"},
    "identity_linked": {**NOTICE, "provider": "google", "link": IDENTITIES},
    "identity_unlinked": {**NOTICE, "provider": "discord", "link": IDENTITIES},
    "identity_ended": {"provider": "discord", "link": IDENTITIES},
    "account_displaced": {"keeps_days": 30},
    "email_code": {"code": "042 931", "minutes": 15},
}
HANGUL = re.compile("[가-힣]")
SHOWN = {"ko": "2026년 9월 21일 오후 3:05(KST)", "en": "Sep 21, 2026, 3:05\u202fPM KST"}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """A portal; its database is never asked."""
    app = create_app(Settings.for_testing(tmp_path_factory.mktemp("letters")))
    yield app
    close(app)


class Reader(HTMLParser):
    """What a mail program sees: the text, the addresses of links, the elements."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.links: set[str | None] = set()
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes += attrs
        if tag == "a":
            self.links.add(dict(attrs)["href"])

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def write(app: Flask, template: str, language: str = "en", **changes: Any) -> Letter:
    with app.app_context():
        return write_letter(template, TO, language, {"name": "Ada", **VALUES[template], **changes})


def test_every_mail_there_is_is_tried() -> None:
    assert set(VALUES) == NAMES


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("template", sorted(VALUES))
def test_a_mail_says_all_it_was_given_in_one_language(app: Flask, template: str, language: str) -> None:
    letter, values = write(app, template, language), VALUES[template]
    html = Reader(letter.html)
    for text in (letter.text, " ".join(html.words)):
        assert bool(HANGUL.search(text)) is (language == "ko")
        assert "%(" not in text
        assert "(으)" not in text
        assert "(를)" not in text
        assert "Ada" in text
        for name in ("email", "old_email", "new_email", "place", "code"):
            assert values.get(name, "") in text
        assert values.get("provider", "").capitalize() in text
        if MOMENT in values.values():
            assert SHOWN[language] in text
        if "device" in values:
            assert "Chrome · Windows" in text
            assert "Mozilla" not in text
    assert bool(HANGUL.search(letter.subject)) is (language == "ko")
    assert html.links == ({values["link"]} if "link" in values else set())
    assert (values.get("link", "://nowhere") in letter.text) is ("link" in values)
    assert f'<html lang="{language}">' in letter.html
    assert "\n\n\n" not in letter.text


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("template", sorted(VALUES))
def test_the_two_parts_say_the_same_and_load_nothing(app: Flask, template: str, language: str) -> None:
    letter = write(app, template, language)
    html = Reader(letter.html)
    shown = re.sub(r"[ \n]+", " ", " ".join(html.words))
    body, _, signature = letter.text.partition("\n-- \n")
    for line in body.splitlines():
        # A fact is a row of a table there, the label of the link the button.
        parts = line.removesuffix(":").split(": ", 1) if "device" in VALUES[template] else [line.removesuffix(":")]
        assert all(part in shown for part in parts), line
    assert signature.splitlines()[0] in shown
    assert html.elements.isdisjoint({"script", "img", "link", "iframe", "form", "object", "video"})
    assert {name for name, _ in html.attributes}.isdisjoint({"src", "srcset", "background"})
    assert "url(" not in letter.html


def test_links_are_given_only_where_the_mail_is_for_them(app: Flask) -> None:
    for notice in ("password_changed", "sessions_ended", "email_taken", "deletion_cancelled", "account_deleted"):
        assert Reader(write(app, notice).html).links == set()


@pytest.mark.parametrize(
    ("template", "changes", "sentence"),
    [
        ("change_email", {"email": "new@example.com"}, "이메일 주소를 new@example.com으로 바꾸려고"),
        ("change_email", {"email": "new@example.kr"}, "이메일 주소를 new@example.kr로 바꾸려고"),
        ("verify_email", {}, "ada@example.com이 본인의 주소임을"),
        ("email_taken", {}, "ada@example.com을 입력했습니다"),
        ("sessions_ended", {"count": 1}, "기기 1대에서"),
        ("identity_linked", {"provider": "kakao"}, "카카오 계정"),
        ("identity_ended", {"provider": "naver"}, "네이버에서"),
        ("identity_ended", {"provider": "gone"}, "Gone에서"),
    ],
)
def test_particles_follow_what_was_filled_in(app: Flask, template: str, changes: dict[str, Any], sentence: str) -> None:
    letter = write(app, template, "ko", **changes)
    assert sentence in letter.text
    assert sentence in " ".join(Reader(letter.html).words)


@pytest.mark.parametrize(("count", "sentence"), [(1, "1 device was"), (2, "2 devices were"), (None, "Devices were")])
def test_devices_are_counted_as_people_do(app: Flask, count: int | None, sentence: str) -> None:
    assert sentence in write(app, "sessions_ended", count=count).text


@pytest.mark.parametrize(
    ("timezone", "shown"),
    [
        ("Europe/London", "7:05\u202fAM GMT+1"),
        ("America/New_York", "2:05\u202fAM EDT"),
        ("Nowhere/At all", "3:05\u202fPM KST"),
        (None, "3:05\u202fPM KST"),
    ],
)
def test_moments_are_those_of_the_persons_zone(app: Flask, timezone: str | None, shown: str) -> None:
    text = write(app, "password_changed", timezone=timezone).text
    assert shown.replace("GMT+1", "BST") in text


def test_one_letter_leaves_no_language_or_zone_to_the_next(app: Flask) -> None:
    with app.app_context():
        write_letter("password_changed", TO, "en", {**NOTICE, "timezone": "America/New_York"})
        assert SHOWN["ko"] in write_letter("password_changed", TO, "ko", NOTICE).text


@pytest.mark.parametrize("language", ["fr", "", "ko-KR", "../ko"])
def test_a_language_we_do_not_have_is_korean(app: Flask, language: str) -> None:
    assert write(app, "email_taken", language).subject == "이미 가입된 이메일 주소입니다"


@pytest.mark.parametrize("template", ["../errors/error", "frame", "verify_email.txt", ""])
def test_no_other_template_is_a_mail(app: Flask, template: str) -> None:
    with app.app_context(), pytest.raises(KeyError):
        write_letter(template, TO, "en", {})


EVIL = '<b>Eve</b>"\r\nBcc: all@example.com\r\n\r\n<script>\u202e\x00\x1b'


@pytest.mark.parametrize("template", sorted(VALUES))
def test_values_are_text_and_never_lines_or_markup(app: Flask, template: str) -> None:
    given = {name: EVIL for name, value in VALUES[template].items() if isinstance(value, str)}
    letter = write(app, template, name="<b>Eve</b>".replace("/", "&"), **given)
    assert "\n" not in letter.subject
    assert "\r" not in letter.subject + letter.text + letter.html
    assert "<b>" not in letter.html
    assert "<script" not in letter.html
    assert not re.search(r"^\s*Bcc:", letter.text, re.MULTILINE)
    assert not set("\u202e\x00\x1b") & set(letter.text + letter.html)
    assert '""' not in letter.html.replace('=""', "")


@pytest.mark.parametrize(
    ("name", "greeting"),
    [
        ("Ada Lovelace", "Hello Ada Lovelace,"),
        ("J.R. Ewing", "Hello J.R. Ewing,"),
        ("<b>", "Hello <b>,"),
        ("Win\r\n\r\na prize", "Hello Win a prize,"),
        ("", "Hello,"),
        ("You won, see evil.test", "Hello,"),
        ("http://evil", "Hello,"),
        ("write to eve@evil", "Hello,"),
        ("a " * 40, "Hello,"),
    ],
)
def test_a_name_greets_and_advertises_nothing(app: Flask, name: str, greeting: str) -> None:
    """Else anybody could have the portal mail his words to any address, by registering with them."""
    assert write(app, "verify_email", name=name).text.startswith(f"{greeting}\n")


@pytest.mark.parametrize(
    ("device", "shown"),
    [
        (CHROME, "Device: Chrome · Windows"),
        (IPHONE, "Device: Safari · iPhone"),
        ("x/y", "Device: Unknown device"),
    ],
)
def test_devices_are_named_as_people_name_them(app: Flask, device: str, shown: str) -> None:
    assert f"\n{shown}\n" in write(app, "new_device", device=device).text


def test_what_is_not_known_is_left_out(app: Flask) -> None:
    text = write(app, "new_device", device="", place=None, link="").text
    assert "Device:" not in text
    assert "IP address" not in text
    assert "See where" not in text
