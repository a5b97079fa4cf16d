"""One's photo: uploaded, seen everywhere, replaced, removed; refused with everything else kept as it was typed."""

import json
import os
import re
from base64 import b64decode
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import flask_migrate
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.services.foundation.environment import NOBODY
from app.services.photos.photos import STRAY_SECONDS
from tests.account.browsing import Facts, english, shown
from tests.account.test_profile import GOOD, PATH
from tests.cli.test_commands import run
from tests.clock import Clock
from tests.pictures import BLUE, GREEN, RED, bomb, encoded, is_near, opened, photograph, plain
from tests.relying_party import EMAIL, PASSWORD, RelyingParty, add_client, add_person, csrf_token, log_in

EDGE = "----------------the-edge"
ISSUER = "http://localhost:8000"
TYPED = {**GOOD, "avatar_url": ""}
ELSEWHERE = GOOD["avatar_url"]


class Wearer:
    """Ada with a photo to come, on one of the databases, kept there or in a folder."""

    def __init__(self, app: Flask, folder: Path | None) -> None:
        self.app, self.folder, self.facts = app, folder, Facts(app)
        self.id = add_person(app)
        self.browser = english(app)
        assert log_in(self.browser).status_code == 303

    def upload(self, data: bytes, name: str = "me.png", **changes: str) -> TestResponse:
        """Send the form of the profile with a file."""
        return upload(self.browser, data, name, **changes)

    @property
    def kept(self) -> str | None:
        """What is kept as Ada's picture."""
        value: str | None = self.facts.one("SELECT avatar_url FROM users WHERE id = :id", id=self.id)
        return value

    def files(self) -> list[str]:
        """The files of the folder."""
        return sorted(each.name for each in self.folder.iterdir()) if self.folder and self.folder.exists() else []

    def claims(self) -> dict[str, Any]:
        """What an application learns at userinfo."""
        if not self.facts.all("SELECT 1 FROM clients WHERE client_id = 'app'"):
            add_client(self.app, "app")
        party = RelyingParty(self.browser, "app")
        return dict(party.userinfo(party.tokens()["access_token"]).json)


def upload(browser: FlaskClient, data: bytes, name: str = "me.png", kind: str = "", **changes: str) -> TestResponse:
    """Send the form of the profile with a file."""
    form = {"csrf_token": csrf_token(browser, PATH), **TYPED, **changes}
    return browser.post(
        PATH, data=multipart(form, data, name, kind), content_type=f"multipart/form-data; boundary={EDGE}"
    )


def multipart(form: dict[str, str], file: bytes, name: str, kind: str = "") -> bytes:
    """A form with a file, as browsers send it."""
    parts = [
        f'--{EDGE}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n' for key, value in form.items()
    ]
    head = f'--{EDGE}\r\nContent-Disposition: form-data; name="photo"; filename="{name}"\r\n'
    head += f"Content-Type: {kind or 'image/png'}\r\n\r\n"
    return "".join(parts).encode() + head.encode() + file + f"\r\n--{EDGE}--\r\n".encode()


@pytest.fixture(params=["sqlite", "postgresql", "sqlite+folder", "postgresql+folder"])
def wearer(
    request: pytest.FixtureRequest, make_app: Callable[..., Flask], open_database: Callable[..., str], tmp_path: Path
) -> Wearer:
    engine, _, place = request.param.partition("+")
    folder = tmp_path / "photos" if place else None
    return Wearer(make_app(open_database(engine), PHOTO_FOLDER=str(folder or "")), folder)


def test_a_photo_is_seen_by_applications_and_on_every_page_that_shows_the_person(wearer: Wearer) -> None:
    response = wearer.upload(photograph(), username="countess")
    assert (response.status_code, response.location) == (303, PATH)
    kept = str(wearer.kept)
    assert re.fullmatch(r"/photos/[0-9a-f]{32}", kept)
    assert len(wearer.files()) == (3 if wearer.folder else 0)
    assert all(re.fullmatch(r"[0-9a-f]{32}-\d+\.jpg", name) for name in wearer.files())
    assert bool(wearer.facts.one("SELECT count(large) FROM photos")) is not bool(wearer.folder)
    picture = wearer.claims()["picture"]
    assert picture == f"{ISSUER}{kept}/512.jpg"
    assert opened(wearer.browser.get(urlsplit(picture).path).data).size == (512, 512)
    add_client(wearer.app, "asks", consent_policy="once")
    consent = RelyingParty(wearer.browser, "asks").authorize().location
    for path in ("/", "/account", PATH, "/select-account", "/logout", "/api/oauth/logout", consent):
        assert f'<img src="{kept}/' in wearer.browser.get(path).text, path
    page = shown(wearer.browser.get("/account/activity"))
    assert "A photo was uploaded." in page


def test_another_one_takes_its_place_at_another_address(wearer: Wearer) -> None:
    wearer.upload(encoded(plain(RED)))
    first = wearer.kept
    assert wearer.browser.get(f"{first}/64.jpg").status_code == 200
    wearer.upload(encoded(plain(BLUE)))
    assert wearer.kept != first
    assert wearer.browser.get(f"{first}/64.jpg").status_code == 404
    assert is_near(opened(wearer.browser.get(f"{wearer.kept}/64.jpg").data).getpixel((5, 5)), BLUE)
    assert wearer.facts.one("SELECT count(*) FROM photos") == 1
    assert len(wearer.files()) == (3 if wearer.folder else 0)


def test_one_that_is_removed_is_nowhere_and_what_it_covered_counts_again(wearer: Wearer) -> None:
    wearer.upload(encoded(plain(RED)), avatar_url=ELSEWHERE)
    wearer.upload(encoded(plain(GREEN)))
    kept = wearer.kept
    assert wearer.claims()["picture"] == f"{ISSUER}{kept}/512.jpg"
    form = {"csrf_token": csrf_token(wearer.browser, PATH), **TYPED, "remove_photo": "y"}
    assert wearer.browser.post(PATH, data=form).status_code == 303
    assert wearer.kept == ELSEWHERE
    assert wearer.claims()["picture"] == ELSEWHERE
    assert wearer.browser.get(f"{kept}/512.jpg").status_code == 404
    assert (wearer.facts.one("SELECT count(*) FROM photos"), wearer.files()) == (0, [])
    assert "<img" not in wearer.browser.get("/account").text
    assert "The photo was removed." in shown(wearer.browser.get("/account/activity"))
    assert wearer.browser.post(PATH, data=form).status_code == 303  # there is none any more
    assert wearer.facts.one("SELECT count(*) FROM oauth_audit_logs WHERE action = 'account:photo:removed'") == 1


def test_an_address_that_is_typed_takes_the_place_of_a_photo(wearer: Wearer) -> None:
    wearer.upload(encoded(plain(RED)))
    run(wearer.app, "users", "update", EMAIL, "--picture", ELSEWHERE)
    assert wearer.kept == ELSEWHERE
    assert (wearer.facts.one("SELECT count(*) FROM photos"), wearer.files()) == (0, [])


def test_saving_the_rest_leaves_the_photo(wearer: Wearer) -> None:
    wearer.upload(encoded(plain(RED)))
    kept = wearer.kept
    assert (
        wearer.browser.post(
            PATH, data={"csrf_token": csrf_token(wearer.browser, PATH), **TYPED, "bio": "else"}
        ).status_code
        == 303
    )
    assert wearer.kept == kept


def test_the_account_takes_it_along_and_the_export_holds_it(wearer: Wearer) -> None:
    wearer.upload(encoded(plain(RED)), avatar_url=ELSEWHERE)
    kept = wearer.kept
    made = json.loads(wearer.browser.get("/account/data/export.json").data)
    assert made["account"]["avatar_url"] == f"{ISSUER}{kept}/512.jpg"
    (photo,) = made["photo"]
    assert photo["address"] == f"{ISSUER}{kept}/512.jpg"
    assert photo["covers"] == ELSEWHERE
    assert opened(b64decode(photo["jpeg"])).size == (512, 512)
    assert photo["jpeg"][:60] not in wearer.browser.get("/account/data/export").text
    run(wearer.app, "users", "delete", EMAIL, "--yes")
    assert (wearer.facts.one("SELECT count(*) FROM photos"), wearer.files()) == (0, [])
    assert wearer.browser.get(f"{kept}/512.jpg").status_code == 404


def test_an_operator_removes_one(wearer: Wearer) -> None:
    wearer.upload(encoded(plain(RED)))
    assert run(wearer.app, "users", "show", EMAIL, "--json").count("/photos/") == 1
    assert "Removed the photo" in run(wearer.app, "users", "remove-photo", EMAIL)
    assert json.loads(run(wearer.app, "users", "remove-photo", EMAIL, "--json")) == {"email": EMAIL, "removed": False}
    assert (wearer.kept, wearer.files()) == (None, [])
    actors = "SELECT actor FROM oauth_audit_logs WHERE action = 'account:photo:removed'"
    assert [row[0] for row in wearer.facts.all(actors)] != [wearer.id]


def test_strays_go_and_nothing_else_does(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    wearer = Wearer(make_app(PHOTO_FOLDER=str(tmp_path / "photos")), tmp_path / "photos")
    wearer.upload(encoded(plain(RED)))
    good = wearer.files()
    names = (f"{'a' * 32}-64.jpg", ".new-abc", "notes.txt", f"{'b' * 32}-64.jpg")
    for name in names:
        (tmp_path / "photos" / name).write_text("x")
        if not name.startswith("b"):
            os.utime(tmp_path / "photos" / name, (0, 0))
    for name in good:
        os.utime(tmp_path / "photos" / name, (0, 0))
    with wearer.app.app_context():
        assert wearer.app.extensions["services"].photos.sweep() == 2
    assert wearer.files() == sorted([*good, "notes.txt", f"{'b' * 32}-64.jpg"])
    assert STRAY_SECONDS >= 600


def test_a_folder_that_cannot_be_written_says_so_and_changes_nothing(
    make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    wearer = Wearer(make_app(PHOTO_FOLDER=str(tmp_path / "photos")), tmp_path / "photos")
    (tmp_path / "photos").rmdir()
    (tmp_path / "photos").write_text("no folder")
    response = wearer.upload(encoded(plain(RED)))
    assert response.status_code == 503
    assert 'id="photo-error"' in response.text
    assert wearer.kept is None


def test_photos_of_before_stay_in_the_database_once_there_is_a_folder(
    make_app: Callable[..., Flask], open_database: Callable[..., str], tmp_path: Path
) -> None:
    url = open_database()
    wearer = Wearer(make_app(url), None)
    wearer.upload(encoded(plain(RED)))
    later = make_app(url, PHOTO_FOLDER=str(tmp_path / "photos")).test_client()
    assert later.get(f"{wearer.kept}/192.jpg").status_code == 200


REFUSED = {
    "no picture": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "This file is not a picture that can be used.", 400),
    "a bomb": (bomb(), "This picture has too many pixels.", 400),
    "cut off": (encoded(plain(), "PNG")[:120], "This picture is damaged.", 400),
    "too small": (encoded(plain(size=(20, 20))), "This picture is too small.", 400),
    "too many bytes": (photograph() + bytes(5_000_000), "This file is too large.", 400),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_can_be_no_photo_is_said_beside_it_and_loses_nothing(
    app: Flask, facts: Facts, ada: str, kind: str
) -> None:
    data, words, status = REFUSED[kind]
    browser = english(app)
    log_in(browser)
    before = facts.all("SELECT * FROM users")
    response = upload(browser, data, "holiday.jpg", "image/jpeg")
    assert response.status_code == status
    assert words in response.text.partition('id="photo-error"')[2][:200]
    for name in ("full_name", "username", "timezone"):
        assert f'value="{TYPED[name]}"' in response.text
    assert "analytical engine</textarea>" in response.text
    assert '<option selected value="en">' in response.text
    assert facts.all("SELECT * FROM users") == before
    assert facts.all("SELECT * FROM photos") == []


def test_all_that_is_wrong_is_said_at_once_and_a_good_photo_is_not_lost(
    browser: FlaskClient, facts: Facts, ada: str
) -> None:
    both = upload(browser, b"no picture", username="a", timezone="x")
    assert both.text.count('aria-invalid="true"') == 3
    response = upload(browser, encoded(plain(RED)), username="a")
    assert response.status_code == 400
    assert "Your photo is saved. The rest is not saved yet." in response.text
    assert 'value="a"' in response.text
    kept = facts.one("SELECT avatar_url FROM users WHERE id = :id", id=ada)
    assert f'<img src="{kept}/192.jpg"' in response.text
    assert facts.one("SELECT full_name FROM users WHERE id = :id", id=ada) != TYPED["full_name"]


def test_a_file_beyond_measure_is_refused_on_the_page_it_came_from(browser: FlaskClient, facts: Facts) -> None:
    response = upload(browser, bytes(11_000_000))
    assert response.status_code == 413
    assert "nothing of the form was read" in response.text
    assert facts.all("SELECT * FROM photos") == []


def test_only_this_form_may_be_long(browser: FlaskClient) -> None:
    long = {"csrf_token": "x", "email": "x" * 300_000}
    for path in ("/account/security/email", "/account/data/delete", "/login?switch=1"):
        assert browser.post(path, data=long).status_code == 413, path


@pytest.mark.parametrize(
    ("name", "kind"), [("photo.exe", "application/x-msdownload"), ("", "text/html"), ("a/../b", "")]
)
def test_what_a_file_is_called_decides_nothing(
    browser: FlaskClient, facts: Facts, ada: str, name: str, kind: str
) -> None:
    assert upload(browser, encoded(plain(RED), "WEBP"), name or "x", kind).status_code == 303
    assert facts.one("SELECT count(*) FROM photos WHERE user_id = :id", id=ada) == 1


def test_uploads_of_one_person_are_counted(make_app: Callable[..., Flask]) -> None:
    app = make_app(RATE_LIMIT_ENABLED="true", RATE_LIMIT_DEFAULT="none")
    wearer = Wearer(app, None)
    statuses = [wearer.upload(b"no picture").status_code for _ in range(21)]
    assert statuses == [400] * 20 + [429]
    response = wearer.upload(encoded(plain(RED)))
    assert response.status_code == 429
    assert int(response.headers["Retry-After"]) > 0
    assert f'value="{TYPED["full_name"]}"' in response.text
    add_person(app, "bob@example.com")
    other = english(app)
    log_in(other, email="bob@example.com")
    assert upload(other, encoded(plain(RED)), username="bobby").status_code == 303


def test_without_a_token_of_the_form_nothing_is_uploaded(browser: FlaskClient, facts: Facts) -> None:
    for token in ("", "x"):
        form = {"csrf_token": token, **TYPED, "photo": (BytesIO(encoded(plain())), "me.png")}
        assert browser.post(PATH, data=form, content_type="multipart/form-data").status_code == 400
    assert facts.all("SELECT * FROM photos") == []


def test_nobody_can_remove_or_replace_the_photo_of_somebody_else(
    app: Flask, browser: FlaskClient, facts: Facts
) -> None:
    upload(browser, encoded(plain(RED)))
    before = facts.all("SELECT id, user_id FROM photos")
    bob = add_person(app, "bob@example.com")
    other = english(app)
    log_in(other, email="bob@example.com")
    form = {
        "csrf_token": csrf_token(other, PATH),
        **TYPED,
        "username": "bobby",
        "remove_photo": "y",
        "user_id": before[0][1],
    }
    assert other.post(PATH, data=form).status_code == 303
    assert facts.all("SELECT id, user_id FROM photos") == before
    # An address of a photo is one of another host as any other: to name it gives no hold on it.
    taken = f"https://localhost:8000/photos/{before[0][0]}/512.jpg"
    upload(other, encoded(plain(BLUE)), username="bobby", avatar_url=taken)
    other.post(PATH, data={**form, "csrf_token": csrf_token(other, PATH)})
    assert facts.one("SELECT avatar_url FROM users WHERE id = :id", id=bob) == taken
    assert facts.all("SELECT id, user_id FROM photos") == before


def test_it_is_known_at_once_in_sessions_that_are_copied(
    make_app: Callable[..., Flask], redis_url: str, clock: Clock
) -> None:
    wearer = Wearer(make_app(REDIS_URL=redis_url), None)
    wearer.browser.get("/account")
    clock.advance(seconds=1)
    wearer.upload(encoded(plain(RED)))
    assert f'<img src="{wearer.kept}/64.jpg"' in wearer.browser.get("/").text


def test_the_picture_of_an_earlier_migration_comes_back(make_app: Callable[..., Flask], database_url: str) -> None:
    wearer = Wearer(make_app(database_url), None)
    wearer.upload(encoded(plain(RED)), avatar_url=ELSEWHERE)
    bob = add_person(wearer.app, "bob@example.com")
    with wearer.app.app_context():
        services = wearer.app.extensions["services"]
        services.photos.put(bob, services.photos.prepare(bob, encoded(plain())), NOBODY)
        services.db.commit()
        flask_migrate.downgrade(revision="0008")
        flask_migrate.upgrade()
    assert wearer.kept == ELSEWHERE
    assert wearer.facts.one("SELECT avatar_url FROM users WHERE id = :id", id=bob) is None


def test_what_is_typed_beside_a_photo_survives_the_end_of_the_session(
    browser: FlaskClient, facts: Facts, clock: Clock
) -> None:
    token = csrf_token(browser, PATH)
    clock.advance(hours=2)
    body = multipart({"csrf_token": token, **TYPED}, photograph() + bytes(600_000), "me.jpg")
    response = browser.post(PATH, data=body, content_type=f"multipart/form-data; boundary={EDGE}")
    assert response.location == f"/login?next={PATH}"
    assert log_in(browser, path=response.location).location == PATH
    page = browser.get(PATH).text
    for name in ("full_name", "username", "timezone"):
        assert f'value="{TYPED[name]}"' in page
    assert facts.all("SELECT * FROM photos") == []


def test_the_password_is_not_asked_for(browser: FlaskClient, clock: Clock) -> None:
    clock.advance(minutes=30)
    assert upload(browser, encoded(plain(RED))).status_code == 303
    assert PASSWORD not in browser.get(PATH).text
