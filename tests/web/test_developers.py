"""The developers' page: code for each client library, filled in for a client, the same as in the documents."""

import html
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import Environment, FileSystemLoader

from app.portal import libraries
from tests.cli.test_commands import run
from tests.servers import PROJECT_ROOT

TEMPLATES = PROJECT_ROOT / "templates/portal/libraries"
BLOCKS = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=False)  # noqa: S701
CODE = re.compile(r"<code data-copy-source>(.*?)</code>", re.DOTALL)


def codes(client: FlaskClient, path: str = "/developers") -> list[str]:
    answer = client.get(path)
    assert answer.status_code == 200
    return codes_in(answer.text)


def codes_in(page: str) -> list[str]:
    """What the copy buttons of a page copy: the text, without the elements that colour it."""
    return [html.unescape(re.sub(r"<[^>]*>", "", code)) for code in CODE.findall(page)]


def block(library: libraries.Library, **values: str) -> str:
    return BLOCKS.get_template(f"{library.key}.txt").render({**libraries.EXAMPLE, **values})


def section(text: str, library: libraries.Library) -> str:
    """What the document says of a library: its whole section."""
    name = library.name.replace("Authlib: ", "Authlib in ")
    sections = [each for each in text.split("\n## ") if each.partition("\n")[0].startswith(name)]
    assert len(sections) == 1, name
    return sections[0]


def test_every_block_has_its_library_and_every_library_its_block() -> None:
    assert {path.stem for path in TEMPLATES.iterdir()} == {each.key for each in libraries.LIBRARIES}


@pytest.mark.parametrize("library", libraries.LIBRARIES, ids=lambda each: each.key)
def test_the_documents_have_the_same_blocks(library: libraries.Library) -> None:
    text = (PROJECT_ROOT / "docs/integrations.md").read_text()
    said = section(text, library)
    assert f"```{library.language}\n{block(library)}\n```" in said
    assert libraries.redirect_uri(library, libraries.EXAMPLE["app"]) in said
    title = said.partition("\n")[0]
    rows = [line for line in text.splitlines() if line.startswith(f"| [{title}")]
    assert [("tested" if library.is_tested else "not run") in row.split("|")[3] for row in rows] == [True]


@pytest.mark.parametrize("library", libraries.LIBRARIES, ids=lambda each: each.key)
def test_the_page_fills_them_in_with_this_portal_and_the_chosen_client(
    app: Flask, client: FlaskClient, library: libraries.Library
) -> None:
    issuer = app.extensions["services"].settings.issuer
    values = {"issuer": issuer, "client_id": "maxlab", "app": "http://localhost:3010"}
    assert block(library, **values) in codes(client, "/developers?client=maxlab")
    assert block(library, issuer=issuer) in codes(client)


def test_a_client_nobody_may_see_is_not_filled_in(app: Flask, client: FlaskClient) -> None:
    hidden = ("--redirect-uri", "https://hidden.example.com/cb", "--scope", "openid")
    run(app, "clients", "create", "hidden-one", *hidden)
    for name in ("hidden-one", "never-was", "'\"><script>", ""):
        page = client.get("/developers", query_string={"client": name}).text
        assert "hidden.example.com" not in page
        assert '"><script>' not in page
        assert codes(client, "/developers") == codes_in(page)


def test_what_the_chosen_client_lacks_is_said_with_the_command_that_mends_it(app: Flask, client: FlaskClient) -> None:
    command = "flask --app wsgi clients update maxlab --add-redirect-uri http://localhost:3010/docs/oauth2-redirect"
    assert command in codes(client, "/developers?client=maxlab")
    run(app, "clients", "update", "maxlab", "--add-redirect-uri", "http://localhost:3010/docs/oauth2-redirect")
    assert command not in codes(client, "/developers?client=maxlab")
    assert "other kind" in client.get("/developers?client=maxlab", headers={"Accept-Language": "en"}).text


def test_a_client_that_signs_is_not_shown_with_a_secret(app: Flask, client: FlaskClient) -> None:
    keys = ("--auth-method", "private_key_jwt", "--jwks-uri", "https://told.example.com/jwks.json")
    options = ("--confidential", "--listed", "--redirect-uri", "https://told.example.com/callback", "--scope", "openid")
    run(app, "clients", "create", "signing", *options, *keys)
    for language, words in (("en", "confidential, signs with a key"), ("ko", "기밀, 키로 서명")):
        assert words in client.get("/developers?client=signing", headers={"Accept-Language": language}).text
    page = client.get("/developers?client=signing", headers={"Accept-Language": "en"}).text
    with_secret = [each for each in libraries.LIBRARIES if each.needs_secret]
    assert page.count("other kind") >= len(with_secret) + 1


def test_no_secret_is_ever_on_the_page(app: Flask, client: FlaskClient) -> None:
    options = ("--confidential", "--listed", "--redirect-uri", "https://told.example.com/callback", "--scope", "openid")
    secret = run(app, "clients", "create", "told", *options).strip().split()[-1]
    page = client.get("/developers?client=told").text
    assert "https://told.example.com/oauth2callback" in page
    assert secret not in page


@pytest.mark.parametrize(
    ("language", "words"), [("en", "not run, by its documentation"), ("ko", "문서 기준, 실행 안 함")]
)
def test_what_was_not_run_is_marked(client: FlaskClient, language: str, words: str) -> None:
    page = client.get("/developers", headers={"Accept-Language": language}).text
    assert page.count(words) == sum(not each.is_tested for each in libraries.LIBRARIES)
