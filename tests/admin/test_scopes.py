"""Scopes on pages: added, worded in both languages, removed, and what is true at the protocol and for people then."""

from urllib.parse import urlencode

import pytest
from flask import Flask

from tests.account.browsing import send, shown
from tests.admin.offices import administrator
from tests.relying_party import RelyingParty, add_client, add_person, answer, log_in

SCOPES = "/admin/scopes"
REPORTS = f"{SCOPES}/read:reports"
WORDS = {"sentence_en": "See your reports", "sentence_ko": "보고서를 확인합니다"}
OTHERS = {"sentence_en": "Read every report of yours", "sentence_ko": "모든 보고서를 읽습니다"}


def test_an_added_scope_is_asked_for_in_its_words_until_it_is_removed(app: Flask) -> None:
    office = administrator(app, "admin:clients")
    added = send(office, f"{SCOPES}/new", "/logout", name=" ｒead:reports ", **WORDS)
    assert (added.status_code, added.location) == (303, REPORTS)
    assert "No application is registered for it" in shown(office.get(REPORTS))
    add_client(app, "shop", scopes=["openid", "read:reports"], optional_scopes=["read:reports"], consent_policy="once")
    page = shown(office.get(REPORTS))
    assert "/admin/clients/shop" in page
    assert "People may leave it out" in page
    assert "read:reports" in app.test_client().get("/.well-known/openid-configuration").json["scopes_supported"]  # type: ignore[index]
    add_person(app)
    browser = app.test_client()
    log_in(browser)
    shop = RelyingParty(browser, "shop")

    def asked(language: str) -> str:
        interaction = shop.authorize(scope="openid read:reports", ui_locales=language).location
        return str(browser.get(interaction, headers={"Accept-Language": language}).text)

    assert WORDS["sentence_en"] in asked("en")
    assert WORDS["sentence_ko"] in asked("ko")
    worded = send(office, f"{REPORTS}/sentences", "/logout", **OTHERS)
    assert worded.status_code == 303
    assert OTHERS["sentence_en"] in asked("en")
    assert OTHERS["sentence_ko"] in asked("ko")
    # What it said before is a button away.
    assert f'value="{WORDS["sentence_ko"]}"' in office.get(worded.location).text
    assert f'value="{WORDS["sentence_ko"]}"' not in office.get(REPORTS).text
    assert send(office, f"{REPORTS}/delete", "/logout").status_code == 400
    assert "1 application is registered for it" in shown(office.get(f"{REPORTS}/delete"))
    with app.app_context():
        services = app.extensions["services"]
        services.clients.update("shop", {"allowed_scopes": ["openid"], "optional_scopes": []})
        services.db.commit()
    removed = send(office, f"{REPORTS}/delete", "/logout")
    assert removed.status_code == 303
    assert office.get(REPORTS).status_code == 404
    assert answer(shop.authorize(scope="read:reports"))["error"] == "invalid_scope"
    # Added again, from what the address of the list has.
    again = f"{SCOPES}/new?" + urlencode({"name": "read:reports", "en": OTHERS["sentence_en"]}, safe=":")
    assert again.replace("&", "&amp;") in office.get(removed.location).text
    page = office.get(again).text
    assert 'value="read:reports"' in page
    assert f'value="{OTHERS["sentence_en"]}"' in page


def test_what_cannot_be_added_is_said_beside_its_field_and_lost_is_nothing(app: Flask) -> None:
    office = administrator(app)

    def refused(**form: str) -> str:
        response = send(office, f"{SCOPES}/new", "/logout", **form)
        assert response.status_code == 400, response.text
        return response.text

    page = refused(name="read:reports", sentence_en="See your reports", sentence_ko="")
    assert 'id="sentence_ko-error"' in page
    assert 'id="sentence_en-error"' not in page
    assert 'value="See your reports"' in page
    assert 'id="sentence_en-error"' in refused(name="read:reports", sentence_en="x" * 201, sentence_ko="가")
    for name in ("", "Reports", "a b", "a" * 65, "read:", ":x", "보고서", 'a"b', "admin:more", "openid"):
        assert 'id="name-error"' in refused(name=name, **WORDS), name
    assert send(office, f"{SCOPES}/openid/sentences", "/logout", sentence_en="", sentence_ko="가").status_code == 400
    assert send(office, f"{SCOPES}/openid/delete", "/logout").status_code == 400
    assert "every portal has" in shown(office.get(f"{SCOPES}/openid/delete"))
    assert send(office, f"{SCOPES}/none/delete", "/logout").status_code == 404
    assert office.get(f"{SCOPES}/none").status_code == 404


def test_scopes_are_found_with_how_much_each_is_used(app: Flask) -> None:
    office = administrator(app)
    add_person(app)
    add_client(app, "shop", scopes=["openid", "email", "manage:teams"])
    browser = app.test_client()
    log_in(browser)
    assert RelyingParty(browser, "shop").tokens(scope="openid email")
    page = shown(office.get(f"{SCOPES}?kind=standard"))
    assert "offline_access" in page
    assert "manage:teams" not in page
    assert "1 was looked at" in page
    assert "/admin/scopes/manage:teams" in shown(office.get(f"{SCOPES}?q=TEAMS"))
    assert "팀을 관리합니다" in shown(office.get(f"{SCOPES}?q=팀을"))
    assert "No scope fits this" in shown(office.get(f"{SCOPES}?q=nothing-of-that"))
    assert "1 of 1" in shown(office.get(f"{SCOPES}/email"))
    assert "0 of 1" in shown(office.get(f"{SCOPES}/manage:teams"))
    send(office, f"{SCOPES}/new", "/logout", name="manage:nothing", **WORDS)
    assert "it counts for nobody" in shown(office.get(f"{SCOPES}/manage:nothing"))


@pytest.mark.parametrize("part", ["admin:users", "admin:system"])
def test_other_parts_do_not_open_scopes(app: Flask, part: str) -> None:
    office = administrator(app, part)
    assert office.get(SCOPES).status_code == 403
    assert send(office, f"{SCOPES}/new", "/logout", name="read:reports", **WORDS).status_code == 403


def test_only_administrators_of_the_platform_word_scopes_of_services(app: Flask) -> None:
    lesser, office = administrator(app, "admin:clients"), administrator(app, email="boss@example.com")
    path = f"{SCOPES}/admin:users"
    assert "Change the sentences" not in lesser.get(path).text
    assert send(lesser, f"{path}/sentences", "/logout", **WORDS).status_code == 403
    assert WORDS["sentence_en"] not in office.get(path).text
    assert send(office, f"{path}/sentences", "/logout", **WORDS).status_code == 303
    assert WORDS["sentence_en"] in office.get(path).text
