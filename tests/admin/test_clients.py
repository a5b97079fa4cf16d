"""Applications on pages: found, and all that is registered about one of them."""

import re

from flask import Flask

from tests.account.browsing import shown
from tests.admin.offices import administrator
from tests.relying_party import add_client
from tests.security.answers import is_page

CLIENTS = "/admin/clients"
SHOP = f"{CLIENTS}/shop"


def test_applications_are_found_by_what_is_registered(app: Flask) -> None:
    office = administrator(app)
    add_client(app, "shop", name="Corner Shop", consent_policy="always", in_development=True)
    add_client(app, "robot", is_confidential=True, grants=["client_credentials"], redirects=[], scopes=["admin:users"])
    rows = {
        "": {"shop", "robot"},
        "q=corner": {"shop"},
        "q=nothing-of-that": set(),
        "server=yes&q=o": {"robot"},
        "server=no&development=yes": {"shop"},
        "consent=always": {"shop"},
        "grant=client_credentials&q=robot": {"robot"},
        "scope=admin:users&q=robot": {"robot"},
        "active=no": set(),
        "ending=30": set(),
        "consent=nonsense&q=corner": {"shop"},
    }
    for query, expected in rows.items():
        page = office.get(f"{CLIENTS}?{query}")
        assert is_page(page, 200), query
        found = set(re.findall(r"/admin/clients/(shop|robot)\"", page.text))
        assert found == expected, query
    assert "No application fits this." in shown(office.get(f"{CLIENTS}?active=no"))
    assert office.get(f"{CLIENTS}?after=nonsense").status_code == 400


def test_a_page_says_all_that_is_registered(app: Flask) -> None:
    office = administrator(app)
    add_client(
        app,
        "shop",
        name="Corner Shop",
        redirects=["https://shop.example.com/callback"],
        scopes=["openid", "email"],
        optional_scopes=["email"],
        consent_policy="once",
        access_token_seconds=600,
    )
    page = shown(office.get(SHOP))
    for each in (
        "Corner Shop",
        "https://shop.example.com/callback",
        "https://shop.example.com",
        "/.well-known/openid-configuration",
        "10 minutes",
        "30 days unused, 90 days at most",
        "People may leave it out",
        "it cannot keep a secret",
    ):
        assert each in page, each
    assert office.get(f"{CLIENTS}/nothing").status_code == 404


def test_a_search_from_everywhere_finds_applications_for_who_administers_them(app: Flask) -> None:
    add_client(app, "shop", name="Corner Shop")
    keeper = administrator(app, "admin:clients", email="clients@example.com")
    other = administrator(app, "admin:users", email="users@example.com")
    assert f'href="{SHOP}"' in keeper.get("/admin/search?q=corner").text
    assert f'href="{SHOP}"' not in other.get("/admin/search?q=corner").text
    assert keeper.get(SHOP).status_code == 200
    assert other.get(SHOP).status_code == 403
