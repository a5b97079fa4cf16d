"""``HSTS``: what the operator lets this host say of others, in one spelling."""

from collections.abc import Callable

import pytest
from flask import Flask

from app.settings.values import hsts

YEAR = "max-age=31536000"


@pytest.mark.parametrize(
    ("value", "header"),
    [
        (YEAR, YEAR),
        ("max-age=0", "max-age=0"),
        ("MAX-AGE = 600 ;", "max-age=600"),
        ('max-age="600"', "max-age=600"),
        ("includeSubDomains", f"{YEAR}; includeSubDomains"),
        ("preload; INCLUDESUBDOMAINS; max-age=63072000", "max-age=63072000; includeSubDomains; preload"),
        ("off", ""),
        (" Off ", ""),
        ("none", ""),
    ],
)
def test_it_is_understood(value: str, header: str) -> None:
    assert hsts(value) == header


@pytest.mark.parametrize(
    "value",
    [
        "on",
        "31536000",
        "max-age=-1",
        "max-age=1e9",
        "max-age=",
        f"{YEAR}, includeSubDomains",
        f"{YEAR}; includeSubDomains; includeSubDomains",
        f"{YEAR}; x",
        f"{YEAR}\r\nX: y",
        "preload",
        "includeSubDomains; preload; max-age=600",
    ],
)
def test_anything_else_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r"must be off|only with includeSubDomains"):
        hsts(value)


@pytest.mark.parametrize(
    ("environ", "sent"),
    [
        ({}, [YEAR]),
        ({"HSTS": "includeSubDomains"}, [f"{YEAR}; includeSubDomains"]),
        ({"HSTS": "off"}, []),
        ({"PUBLIC_URL": "http://localhost:8000", "HSTS": YEAR}, []),
    ],
)
def test_every_answer_says_it_and_none_without_tls(
    make_app: Callable[..., Flask], environ: dict[str, str], sent: list[str]
) -> None:
    browser = make_app(**{"PUBLIC_URL": "https://id.example.com", **environ}).test_client()
    form = {"content_type": "application/x-www-form-urlencoded", "data": "grant_type=x"}
    answers = [
        browser.get("/login"),
        browser.get("/nothing-here"),
        browser.get("/.well-known/jwks.json"),
        browser.get("/api/oauth/userinfo", headers={"Authorization": "Bearer x"}),
        browser.post("/api/oauth/token", **form),
    ]
    assert [answer.headers.getlist("Strict-Transport-Security") for answer in answers] == [sent] * 5
