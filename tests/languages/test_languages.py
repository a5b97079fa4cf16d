"""Both languages: which one is shown, Korean particles, and that nothing is left untranslated."""

import io
import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from flask import Flask
from flask.testing import FlaskClient

from app.languages.josa import fix_josa
from tests.relying_party import REDIRECT_URI, RelyingParty, add_client

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = ROOT / "translations/ko/LC_MESSAGES"
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "_l": None, "lazy_gettext": None, "sentence": None}
METHODS = {"app": [("**.py", "python")], "templates": [("**.html", "jinja2"), ("mail/**.txt", "jinja2")]}
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]")


def extracted() -> set[str]:
    return {
        message if isinstance(message, str) else message[0]
        for folder, methods in METHODS.items()
        for _, _, message, _, _ in extract_from_dir(ROOT / folder, method_map=methods, keywords=KEYWORDS)
    }


def test_every_sentence_is_translated() -> None:
    with (CATALOGUE / "messages.po").open("rb") as file:
        catalogue = read_po(file, locale="ko")
    translated = {m.id if isinstance(m.id, str) else m.id[0]: m for m in catalogue if m.id and any(m.string)}
    found = extracted()
    assert len(found) > 150
    assert found - set(translated) == set()
    for message in translated.values():
        source = message.id if isinstance(message.id, str) else message.id[1]
        target = message.string if isinstance(message.string, str) else message.string[0]
        assert sorted(PLACEHOLDER.findall(source)) == sorted(PLACEHOLDER.findall(target)), source
        assert "!" not in target


def sentences(catalogue: Catalog) -> dict[object, object]:
    """What each message says; of those with a plural all forms."""
    plain = [(m.id, m.string) if isinstance(m.id, str) else (tuple(m.id), tuple(m.string)) for m in catalogue]
    return {message: said for message, said in plain if message}


def test_the_compiled_catalogue_is_the_written_one() -> None:
    with (CATALOGUE / "messages.po").open("rb") as file:
        written = sentences(read_po(file, locale="ko"))
    assert sentences(read_mo(io.BytesIO((CATALOGUE / "messages.mo").read_bytes()))) == written


@pytest.mark.parametrize(
    ("text", "settled"),
    [
        ("맥스랩(으)로", "맥스랩으로"),
        ("스튜디오(으)로", "스튜디오로"),
        ("서울(으)로", "서울로"),
        ("Google(으)로", "Google로"),
        ("사과을(를)", "사과를"),
        ("이름이(가)", "이름이"),
        ("3은(는)", "3은"),
        ("나와(과)", "나와"),
    ],
)
def test_particles_follow_the_sound_before_them(text: str, settled: str) -> None:
    assert fix_josa(text) == settled


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("en-US,en;q=0.9", "en"), ("ko-KR", "ko"), ("fr,en;q=0.5", "en"), ("fr", "ko"), ("", "ko"), ("en;q=0", "ko")],
)
def test_the_browsers_wish_is_heard(client: FlaskClient, accepted: str, language: str) -> None:
    response = client.get("/login", headers={"Accept-Language": accepted})
    assert f'<html lang="{language}"' in response.text


def test_the_applications_wish_goes_before_and_the_persons_choice_above_all(app: Flask, client: FlaskClient) -> None:
    add_client(app, "public")
    page = RelyingParty(client, "public").authorize(ui_locales="fr en", redirect_uri=REDIRECT_URI).location
    assert '<html lang="en"' in client.get(page, headers={"Accept-Language": "ko"}).text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get(page).text)
    assert token
    chosen = client.post("/language", data={"csrf_token": token[1], "lang": "ko", "next": page})
    assert chosen.location == page
    assert '<html lang="ko"' in client.get(page).text


@pytest.mark.parametrize("target", ["https://evil.test/", "//evil.test", "/\\evil.test", "javascript:x", "/a\nb", ""])
def test_choosing_a_language_never_leads_away(client: FlaskClient, target: str) -> None:
    assert client.post("/language", data={"lang": "en", "next": target}).location == "/"
