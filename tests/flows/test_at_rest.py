"""Whoever gets the database, the store, a backup or the log gets no secret: not in clear, not in base64, not in hex."""

import base64
import json
import os
import re
import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
import redis
import requests
import sqlalchemy as sa
from cryptography.fernet import Fernet
from joserfc.jwk import ECKey, RSAKey

from tests.browser_http import HttpBrowser
from tests.databases import PostgresDatabases, SqliteDatabases
from tests.flows.live_client import PATIENCE, SCOPE, LiveClient
from tests.portal import Portal, WarmPortal
from tests.relying_party import CHALLENGE, REDIRECT_URI, VERIFIER
from tests.servers import unrestricted_engine

EMAIL, PASSWORD, NEW_PASSWORD = "yoon@example.com", "correct horse battery 9", "another horse battery 10"
WRONG_PASSWORD, WRONG_SECRET = "a wrong guess of a person", "a-wrong-guess-of-a-client"
STORES = ("sqlite", "postgresql+redis")
# A shorter run of characters could be there by chance.
SHORTEST = 12


@dataclass
class Place:
    """A portal after journeys, what must not be found, and where to look."""

    portal: Portal
    redis_url: str
    hidden: dict[str, str] = field(default_factory=dict)

    @property
    def database_url(self) -> str:
        return self.portal.environment["DATABASE_URL"]

    def hide(self, name: str, value: str) -> str:
        """Note a secret."""
        assert len(value) >= SHORTEST, name
        self.hidden[f"{name} {len(self.hidden)}"] = value
        return value

    def dump(self) -> dict[str, bytes]:
        """All that is stored, by where it lies."""
        found = {"rows": rows_of(self.database_url), "log": self.portal.log.read_bytes()}
        for path in sorted(self.portal.instance.iterdir()):
            if ".db" in path.name:
                found[path.name] = path.read_bytes()
        if self.redis_url:
            found["redis"] = _redis(self.redis_url)
        return found


def rows_of(url: str) -> bytes:
    """Every column of every row of every table, as text and as bytes."""
    engine = unrestricted_engine(url)
    lines: list[bytes] = []
    with engine.connect() as connection:
        for table in sa.inspect(connection).get_table_names():
            for row in connection.execute(sa.text(f'SELECT * FROM "{table}"')):  # noqa: S608
                lines += [value if isinstance(value, bytes) else _text(value) for value in row]
            if connection.dialect.name == "postgresql":
                lines += [_text(line) for line in connection.scalars(sa.text(f'SELECT t::text FROM "{table}" t'))]  # noqa: S608
    return b"\n".join(lines)


def _text(value: object) -> bytes:
    return (json.dumps(value) if isinstance(value, dict | list) else str(value)).encode()


def _redis(url: str) -> bytes:
    """Every key and value, of whatever kind, in Redis's own serialisation and as text."""
    with redis.Redis.from_url(url) as client:
        lines = []
        for key in client.scan_iter():
            lines += [key, client.dump(key) or b""]
            if client.type(key) == b"string":
                lines.append(client.get(key) or b"")
    return b"\n".join(lines)


def disguises(secret: str) -> dict[str, bytes]:
    """The forms in which a secret would still be one."""
    plain = secret.encode()
    forms = {"clear": plain, "hex": plain.hex().encode(), "HEX": plain.hex().upper().encode()}
    # In base64 of a longer text it depends on where it stands; the letters at both ends mix with their neighbours.
    for offset in range(3):
        mixed = base64.b64encode(bytes(offset) + plain)[-(-offset * 8 // 6) :]
        inner = mixed[: (offset + len(plain)) * 8 // 6 - -(-offset * 8 // 6)]
        forms[f"base64 at {offset}"] = inner
        forms[f"base64url at {offset}"] = inner.replace(b"+", b"-").replace(b"/", b"_")
    forms |= {"utf-16": secret.encode("utf-16-le"), "reversed": plain[::-1]}
    try:
        raw = base64.urlsafe_b64decode(plain + b"=" * (-len(plain) % 4))
    except ValueError:
        return forms
    # Random values are base64url of bytes; the bytes are as good.
    if base64.urlsafe_b64encode(raw).rstrip(b"=") == plain.rstrip(b"=") and len(raw) >= SHORTEST:
        forms |= {"raw": raw, "raw hex": raw.hex().encode(), "raw base64": base64.b64encode(raw).rstrip(b"=")}
    return forms


def findings(hidden: dict[str, str], dumped: dict[str, bytes]) -> list[str]:
    """Which secrets lie where, and how."""
    return [
        f"{name} as {form} in {where}"
        for name, secret in hidden.items()
        for form, needle in disguises(secret).items()
        for where, hay in dumped.items()
        if needle in hay
    ]


@pytest.fixture(scope="module", params=STORES)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A talkative portal on which everything was done once."""
    is_large = request.param != "sqlite"
    databases: SqliteDatabases | PostgresDatabases = request.getfixturevalue(
        "postgres_databases" if is_large else "sqlite_databases"
    )
    redis_url = request.getfixturevalue("redis_server").url if is_large else ""
    instance = tmp_path_factory.mktemp("at-rest")
    if is_large:
        with redis.Redis.from_url(redis_url) as client:
            client.flushall()
    with databases.fresh(instance, "seeded") as url:
        limits = {"RATE_LIMIT_ENABLED": "true", "RATE_LIMIT_LOGIN": "100/minute", "RATE_LIMIT_DEFAULT": "none"}
        portal = WarmPortal(instance, url, REDIS_URL=redis_url, LOG_LEVEL="DEBUG", **limits)
        place = Place(portal, redis_url)
        place.hide("administrator's password", databases.seeded.admin_password)
        place.hide("service client's secret", databases.seeded.service_secret)
        clients = register(place)
        portal.start()
        try:
            journeys(place, *clients)
            hide_keys(place)
            yield place
        finally:
            portal.stop()


def register(place: Place) -> tuple[LiveClient, LiveClient]:
    """A person; a confidential third-party client that asks for consent, and a service, whose secret is replaced."""
    portal, options = place.portal, ("--confidential", "--json")
    portal.flask("users", "create", EMAIL, "--password", place.hide("password", PASSWORD))
    made = portal.flask("clients", "create", "web", "--redirect-uri", REDIRECT_URI, "--scope", SCOPE, *options)
    web = LiveClient(portal, "web", place.hide("client secret", json.loads(made)["client_secret"]))
    made = portal.flask(
        *("clients", "create", "service", "--grant", "client_credentials", "--scope", "read:profile"), *options
    )
    place.hide("replaced client secret", json.loads(made)["client_secret"])
    made = portal.flask("clients", "rotate-secret", "service", "--json")
    return web, LiveClient(portal, "service", place.hide("client secret", json.loads(made)["client_secret"]))


def journeys(place: Place, web: LiveClient, service: LiveClient) -> None:
    """Everything that hands out, takes or ends a secret, well and badly."""
    place.hide("verifier", VERIFIER)
    browser = HttpBrowser(place.portal.url)
    code = log_in_and_consent(place, browser)
    tokens = keep(place, web.redeem(code).json())
    assert web.redeem(code).json()["error"] == "invalid_grant"
    web.cookies = cookies_of(place, browser)
    tokens = keep(place, web.redeem(place.hide("code", web.code())).json())
    place.hide("unused code", web.code())
    refreshed = keep(place, web.refresh(tokens["refresh_token"]).json())
    keep(place, web.refresh(tokens["refresh_token"]).json())
    for token in (refreshed["access_token"], refreshed["refresh_token"]):
        assert service.introspect(token).json() == {"active": False}
        assert web.introspect(token).json()["active"]
    assert web.userinfo(refreshed["access_token"]).status_code == 200
    for grant in ("code", "refresh_token"):
        wrong = place.hide(f"made-up {grant}", secrets.token_urlsafe(32))
        form = {"grant_type": {"code": "authorization_code"}.get(grant, grant), grant: wrong}
        assert web.token(**form).json()["error"] == "invalid_grant"
    badly = LiveClient(place.portal, "web", place.hide("wrong secret", WRONG_SECRET))
    assert badly.token(grant_type="refresh_token", refresh_token="x").status_code == 401
    granted = service.token(grant_type="client_credentials").json()
    place.hide("service token", granted["access_token"])
    for client, token in ((service, granted["access_token"]), (web, refreshed["refresh_token"])):
        answer = client.send("POST", "/api/oauth/revoke", data={"token": token}, auth=client.credentials)
        assert answer.status_code == 200
    by_api_and_mail(place)
    leave(place, web)


def log_in_and_consent(place: Place, browser: HttpBrowser) -> str:
    """The way through the pages, with a wrong password first; gives the code."""
    query = (
        f"/api/oauth/authorize?response_type=code&client_id=web&redirect_uri={REDIRECT_URI}&prompt=consent"
        f"&scope={SCOPE.replace(' ', '%20')}&code_challenge={CHALLENGE}&code_challenge_method=S256"
    )
    page = browser.open(query)
    place.hide("interaction", page.url.partition("interaction=")[2].partition("&")[0])
    page = browser.log_in(page, EMAIL, place.hide("wrong password", WRONG_PASSWORD))
    assert page.status == 401
    # An interaction nobody comes back to.
    place.hide("interaction", HttpBrowser(place.portal.url).open(query).url.partition("interaction=")[2])
    cookies_of(place, browser)
    page = browser.log_in(page, EMAIL, PASSWORD)
    code = browser.decide(page).url.partition("code=")[2].partition("&")[0]
    return place.hide("code", code)


def keep(place: Place, answer: dict[str, Any]) -> dict[str, Any]:
    """Note the tokens of an answer; of a JWT its signature, without which the rest is worth nothing, as well."""
    for kind in ("access_token", "refresh_token", "id_token"):
        place.hide(kind, answer[kind])
        if kind != "refresh_token":
            place.hide(f"{kind} signature", answer[kind].rpartition(".")[2])
    return answer


def cookies_of(place: Place, browser: HttpBrowser) -> dict[str, str]:
    """The cookies a browser holds now, noted as secrets."""
    cookies: dict[str, str] = browser._session.cookies.get_dict()
    for name, value in cookies.items():
        if name.startswith("portal_"):
            place.hide(f"cookie {name}", value)
    return cookies


def by_api_and_mail(place: Place) -> None:
    """The portal's own API, and the links it mails: one that is used and one that lies in the mailbox."""
    api, account = f"{place.portal.url}/api/v1/auth", {"email": EMAIL, "password": PASSWORD}
    with requests.Session() as front:
        front.headers["Origin"] = place.portal.url
        granted = front.post(f"{api}/login", json=account).json()["access_token"]
        place.hide("own access token", granted)
        place.hide("own refresh token", front.cookies["portal_refresh"])
        renewed = front.post(f"{api}/refresh").json()["access_token"]
        place.hide("own access token", renewed)
        place.hide("own refresh token", front.cookies["portal_refresh"])
        bearer = {"Authorization": f"Bearer {renewed}"}
        assert front.post(f"{api}/verify-email/resend", headers=bearer).ok
        token = mailed_token(place, "verify-email")
        assert front.post(f"{api}/verify-email", json={"token": token}).ok
        for _ in range(2):
            assert front.post(f"{api}/forgot-password", json={"email": EMAIL}).ok
            mailed_token(place, "reset-password")


def mailed_token(place: Place, path: str) -> str:
    """The token of a mailed link to ``path`` that was not seen before."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for file in (place.portal.instance / "mail").glob("*.eml"):
            text = message_from_bytes(file.read_bytes(), policy=policy.default).get_body(("plain",))
            found = re.search(rf"/{path}\?token=([\w-]+)", text.get_content()) if text else None
            if found and found[1] not in place.hidden.values():
                return place.hide("mailed token", found[1])
        time.sleep(0.05)
    raise AssertionError(f"No new mail with a link to /{path}")


def leave(place: Place, web: LiveClient) -> None:
    """Log out, log in again, change the password, rotate the keys."""
    page = web.browse("GET", "/logout").text
    form = {"csrf_token": page.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]}
    assert web.browse("POST", "/logout", data=form).status_code == 303
    web.cookies = {}
    assert web.log_in(EMAIL, PASSWORD).status_code == 303
    place.hide("cookie portal_session", web.cookies["portal_session"])
    keep(place, web.tokens())
    place.portal.flask("users", "set-password", EMAIL, "--password", place.hide("new password", NEW_PASSWORD))
    place.portal.flask("keys", "rotate")


def hide_keys(place: Place) -> None:
    """The private parts of the signing keys, opened with the key beside the database, and the portal's own keys."""
    for name in ("secret_key", "encryption_key"):
        place.hide(name, (place.portal.instance / name).read_text().strip())
    fernet = Fernet((place.portal.instance / "encryption_key").read_text().strip())
    engine = unrestricted_engine(place.database_url)
    with engine.connect() as connection:
        sealed = connection.scalars(sa.text("SELECT private_sealed FROM signing_keys WHERE private_sealed != ''")).all()
    # Of both algorithms the current and the next; one that signs no more has no private half any more.
    assert len(sealed) == 4
    for box in sealed:
        jwk = json.loads(fernet.decrypt(box))
        for part in ("d", "p", "q", "dp", "dq", "qi"):
            if part in jwk:
                place.hide(f"{jwk['kty']} {part}", jwk[part])
        key = (RSAKey if jwk["kty"] == "RSA" else ECKey).import_key(jwk)
        # The armour differs between tools; the lines within do not.
        for line in key.as_pem(private=True).decode().splitlines()[1:-1]:
            if len(line) == 64 and base64.b64decode(line) not in key.as_der(private=False):
                place.hide(f"{jwk['kty']} PEM", line)


def plant(place: Place, value: bytes) -> None:
    """Leave something everywhere where secrets are looked for."""
    engine = unrestricted_engine(place.database_url)
    kind = "BLOB" if engine.dialect.name == "sqlite" else "BYTEA"
    with engine.begin() as connection:
        connection.execute(sa.text(f"CREATE TABLE IF NOT EXISTS planted (value {kind})"))
        connection.execute(sa.text("INSERT INTO planted VALUES (:value)"), {"value": value})
    with place.portal.log.open("ab") as log:
        log.write(value)
    if place.redis_url:
        with redis.Redis.from_url(place.redis_url) as client:
            client.set(b"planted", value)
    with closing(sqlite3.connect(place.portal.instance / "store.db")) as store, store:
        store.execute("INSERT OR REPLACE INTO entries (key, value, expires_at) VALUES ('planted', ?, 1e11)", (value,))


def test_the_detector_finds_what_is_planted(place: Place) -> None:
    text = secrets.token_urlsafe(32)
    for form, needle in disguises(text).items():
        assert findings({"planted": text}, {"nowhere": b"", "here": b"x" + needle + b"y"}), form
    for prefix in ("", "a", "ab"):
        hay = base64.b64encode(f"{prefix}{text} and more".encode())
        assert findings({"planted": text}, {"here": hay}), prefix
    plant(place, f"before {text} after".encode())
    found = findings({"planted": text}, place.dump())
    files = {"portal.db", "portal.db-wal"} if not place.redis_url else {"redis"}
    where = {each.rpartition(" in ")[2] for each in found}
    assert {"rows", "log"} <= where
    assert where & files
    assert any(name.startswith("store.db") for name in where)


def test_what_is_looked_for_was_really_handed_out(place: Place) -> None:
    kinds = {name.rpartition(" ")[0] for name in place.hidden}
    assert {
        *("password", "new password", "client secret", "code", "unused code", "interaction", "cookie portal_session"),
        *("access_token", "refresh_token", "id_token", "service token", "EC d", "RSA d", "RSA p", "RSA q", "RSA PEM"),
        *("own access token", "own refresh token", "mailed token", "cookie portal_device", "cookie portal_form"),
    } <= kinds
    assert os.path.getsize(place.portal.log) > 1000


@pytest.mark.parametrize("is_log", [False, True], ids=["stored", "logged"])
def test_no_secret_is_found(place: Place, is_log: bool) -> None:
    dumped = {where: hay for where, hay in place.dump().items() if (where == "log") == is_log}
    assert sum(map(len, dumped.values())) > 5000
    assert findings(place.hidden, dumped) == []


def test_the_files_belong_to_the_portal_alone(place: Place) -> None:
    instance: Path = place.portal.instance
    kept = {
        path.name: path.stat().st_mode & 0o777
        for path in instance.iterdir()
        if ".db" in path.name or "key" in path.name
    }
    assert {"secret_key", "encryption_key"} <= set(kept)
    assert {name: mode for name, mode in kept.items() if mode & 0o077} == {}
