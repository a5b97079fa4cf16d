"""Origins are kept as browsers send them, however they were spelled: nothing is refused for a capital letter."""

from collections.abc import Callable

import pytest
from flask import Flask

from app.settings import ConfigurationError, Settings
from app.settings.origins import origins, public_url
from tests.relying_party import add_person, log_in


@pytest.mark.parametrize(
    ("spelled", "sent"),
    [
        ("", ""),
        ("  ", ""),
        ("https://id.example.com", "https://id.example.com"),
        ("https://id.example.com/", "https://id.example.com"),
        (" https://id.example.com\n", "https://id.example.com"),
        ("HTTPS://ID.Example.COM", "https://id.example.com"),
        ("https://id.example.com:443", "https://id.example.com"),
        ("https://id.example.com:8443", "https://id.example.com:8443"),
        ("http://localhost:80", "http://localhost"),
        ("http://localhost:443", "http://localhost:443"),
        ("http://[0:0:0:0:0:0:0:1]:8000", "http://[::1]:8000"),
        ("https://인증.한국", "https://xn--lu5b82b.xn--3e0b707e"),
        ("https://ｉｄ.example.com", "https://id.example.com"),
        ("https://id。example.com", "https://id.example.com"),
    ],
)
def test_a_public_url_is_what_browsers_send(spelled: str, sent: str) -> None:
    assert public_url(spelled) == sent


def test_decomposed_hangul_is_the_same_host() -> None:
    assert public_url("https://\u1112\u1161\u11ab.kr") == public_url("https://한.kr")


def test_apps_in_a_web_view_have_origins_too() -> None:
    in_web_views = ("capacitor://localhost", "ionic://localhost", "tauri://localhost")
    spelled = f"{', '.join(in_web_views)} HTTPS://App.Example.com:443,http://localhost:3000"
    assert origins(spelled) == (*in_web_views, "https://app.example.com", "http://localhost:3000")


def test_what_is_refused_repeats_no_password() -> None:
    with pytest.raises(ConfigurationError) as refused:
        Settings.from_environment({"CORS_ORIGINS": "https://me:secret@app.example.com"})
    assert "secret" not in str(refused.value)
    assert len(refused.value.problems) == 1


@pytest.mark.parametrize("spelled", ["HTTP://LOCALHOST:80", "http://LocalHost/", " http://localhost "])
def test_forms_are_taken_whatever_the_spelling(make_app: Callable[..., Flask], spelled: str) -> None:
    app = make_app(PUBLIC_URL=spelled)
    add_person(app)
    browser = app.test_client()
    browser.environ_base["HTTP_ORIGIN"] = "http://localhost"
    assert log_in(browser).status_code == 303
    assert browser.get("/.well-known/openid-configuration").json["issuer"] == "http://localhost"


def test_an_app_in_a_web_view_may_call_the_api(make_app: Callable[..., Flask]) -> None:
    browser = make_app(CORS_ORIGINS="Capacitor://localhost").test_client()
    asked = {"Origin": "capacitor://localhost", "Access-Control-Request-Method": "POST"}
    answer = browser.options("/api/v1/auth/login", headers=asked)
    assert answer.headers["Access-Control-Allow-Origin"] == "capacitor://localhost"
