"""After every journey by a provider nothing secret stands in an address, a page, a log line or a column.

Neither what the providers gave away (codes, tokens) nor what the portal keeps from everybody but them (client secrets,
the admin key, verifiers, nonces), nor codes that were mailed, which stand in their mails alone.
"""

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.models import Identity
from app.server.background import Background
from app.services.identities.requests import ProviderRequests, Trip
from app.social import FarewellCourier
from tests.api.people import FrontEnd
from tests.clock import Clock
from tests.flows.test_at_rest import findings, rows_of
from tests.mailbox import Mail, received
from tests.providers import Providers, providers, shared_providers
from tests.relying_party import PASSWORD, RelyingParty, add_client, add_person, csrf_token, log_in
from tests.social.travelling import NAMES, Traveller, path_of

__all__ = ["providers", "shared_providers"]
FAULTS = {"cancel": True, "refusal": True, "error": "token", "html": "user", "forged": "aud", "revoked": True}
WEBHOOK = "/auth/kakao/webhook"
PROOF = {"current_password": PASSWORD}


@dataclass
class Watched:
    """What went out to browsers, and what must not be found."""

    app: Flask
    providers: Providers
    url: str
    instance: Path
    sent: list[TestResponse] = field(default_factory=list)
    verifiers: set[str] = field(default_factory=set)
    nonces: set[str] = field(default_factory=set)
    codes: set[str] = field(default_factory=set)
    mails: list[Mail] = field(default_factory=list)

    @property
    def hidden(self) -> dict[str, str]:
        """All that is secret, by a name that tells nobody."""
        kinds = {"provider's": self.providers.secrets, "verifier": self.verifiers, "nonce": self.nonces}
        return {f"{kind} {number}": each for kind, found in kinds.items() for number, each in enumerate(sorted(found))}

    def pages(self) -> dict[str, bytes]:
        """Bodies and headers, but for where to a browser was sent."""
        found = {}
        for number, response in enumerate(self.sent):
            headers = [f"{name}: {value}" for name, value in response.headers if name != "Location"]
            # A redirect says its address once more for browsers that follow none.
            body = b"" if self._leads_to_provider(response) else response.data
            found[f"{number} {response.request.path}"] = "\n".join(headers).encode() + b"\n" + body
        return found

    def addresses(self) -> dict[str, bytes]:
        """Where to browsers were sent within the portal and to applications."""
        sent = [each for each in self.sent if each.location and not self._leads_to_provider(each)]
        return {f"{number} {each.request.path}": each.location.encode() for number, each in enumerate(sent)}

    def _leads_to_provider(self, response: TestResponse) -> bool:
        theirs = {urlsplit(site.url).netloc for site in self.providers.sites}
        return urlsplit(response.location or "").netloc in theirs

    def stored(self) -> dict[str, bytes]:
        """Every column as it lies there, and the files beside the database."""
        found = {"rows": rows_of(self.url)}
        for path in sorted(self.instance.iterdir()):
            if ".db" in path.name:
                found[path.name] = path.read_bytes()
        return found


@pytest.fixture
def watched(
    make_app: Callable[..., Flask],
    database_url: str,
    providers: Providers,
    instance: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> Iterator[Watched]:
    """A portal of which everything is seen; on each database."""
    app = make_app(database_url, **providers.environment)
    found = Watched(app, providers, database_url, instance)

    class Browser(FlaskClient):
        def open(self, *arguments: Any, **named: Any) -> TestResponse:
            response = super().open(*arguments, **named)
            found.sent.append(response)
            return response

    app.test_client_class = Browser
    begin = ProviderRequests.begin

    def noted(self: ProviderRequests, trip: Trip, state: str, browser: str) -> None:
        found.verifiers |= {trip.code_verifier} - {""}
        found.nonces |= {trip.nonce} - {""}
        begin(self, trip, state, browser)

    monkeypatch.setattr(ProviderRequests, "begin", noted)
    with caplog.at_level(logging.DEBUG):
        yield found


def mailed_code(watched: Watched) -> str:
    """The code of the newest mail."""
    watched.mails += received(watched.app)
    code = next(mail.values["code"] for mail in reversed(watched.mails) if mail.template == "email_code")
    watched.codes.add(code.replace(" ", ""))
    return str(code)


def prove_address(watched: Watched, traveller: Traveller, path: str, email: str) -> TestResponse:
    """Type an address and the code that was mailed there, a wrong one first."""
    sent = traveller.send(path, email=email)
    code = mailed_code(watched)
    wrong = f"{(int(code.replace(' ', '')) + 1) % 10**6:06}"
    assert traveller.send(sent.location, code=wrong).status_code == 400
    return traveller.send(sent.location, code=code)


def come_and_go(watched: Watched, name: str) -> None:
    """A first login by a provider on behalf of an application, the next one, and all that can go wrong meanwhile."""
    email = f"{name}@example.com"
    provider = watched.providers[name]
    provider.switch("changed_email", email)
    traveller = Traveller(watched.app, watched.providers)
    waiting = RelyingParty(traveller.browser, "spa").authorize().location.partition("interaction=")[2]
    for fault, value in FAULTS.items():
        if fault == "forged" and name not in {"google", "acme"}:
            continue
        address = traveller.depart(name, f"interaction={waiting}")
        provider.switch(fault, value)
        assert traveller.come_back(name, address).status_code in {200, 400, 502}, fault
        provider.switch(fault, False)
    back = path_of(provider.visit(traveller.depart(name, f"interaction={waiting}")))
    stranger = Traveller(watched.app, watched.providers)
    for browser, path in (
        (stranger.browser, back),
        (traveller.browser, re.sub("state=[^&]+", "state=x", back)),
        (traveller.browser, f"{back}&code=x"),
        (traveller.browser, back),
    ):
        assert browser.get(path).status_code == 400, path
    response = traveller.log_in(name, query=f"interaction={waiting}")
    first = traveller.browser.get(response.location)
    if first.status_code == 303:
        response = prove_address(watched, traveller, first.location, email)
    traveller.browser.get(traveller.join(response, name="Kim").location)
    assert traveller.account is not None
    again = Traveller(watched.app, watched.providers)
    assert again.log_in(name).location == "/"


def prove_and_link(watched: Watched, name: str) -> None:
    """The proof of an account that is there, further links by page and API, one more proof, and the ends of all."""
    email = f"own-{name}@example.com"
    watched.providers[name].switch("changed_email", email)
    watched.providers[name].switch("recreated", "77" if name in {"kakao", "discord"} else True)
    add_person(watched.app, email)
    traveller = Traveller(watched.app, watched.providers)
    path = traveller.browser.get(traveller.log_in(name).location).location
    if path.startswith("/join/email"):
        path = traveller.browser.get(prove_address(watched, traveller, path, email).location).location
    assert traveller.send(path, password=PASSWORD).status_code == 303
    for action, person in (("confirm", "kim"), ("link", "lee")):
        form = {"csrf_token": csrf_token(traveller.browser, "/logout")}
        away = traveller.browser.post(f"/auth/{name}/{action}", data=form)
        assert traveller.come_back(name, away.location, person).status_code == 303
    front = FrontEnd(watched.app)
    front.log_in(email)
    ticket = path_of(front.post(f"/link/{name}", PROOF).json["authorization_url"])
    away = front.browser.get(ticket)
    assert front.browser.get(path_of(watched.providers[name].visit(away.location, "park"))).status_code == 303
    assert front.get("/identities").status_code == 200
    traveller.browser.get("/account/identities")
    assert front.send("DELETE", f"/unlink/{name}", PROOF).status_code == 200


def end_from_outside(watched: Watched) -> None:
    """Kakao's word, with a wrong key and the right one; farewells that fail and that arrive."""
    kakao = watched.providers.kakao
    with watched.app.app_context():
        db = watched.app.extensions["services"].db
        subject = db.session.scalars(sa.select(Identity.subject).where(Identity.provider == "kakao")).first()
    browser = watched.app.test_client()
    for key, status in (("wrong", 401), (kakao.admin_key, 200), (kakao.admin_key, 200)):
        headers = {"Authorization": f"KakaoAK {key}"}
        assert browser.post(WEBHOOK, data={"user_id": subject}, headers=headers).status_code == status


def say_farewells(watched: Watched, clock: Clock) -> None:
    for fault in (True, False):
        for name in NAMES:
            watched.providers[name].switch("error", "revoke" if fault else False)
        with watched.app.app_context():
            settings = watched.app.extensions["services"].settings
            Background(watched.app, [FarewellCourier(settings)]).deliver()
        clock.advance(minutes=1)


def test_nothing_secret_is_found_after_all_journeys(
    watched: Watched, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    add_client(watched.app, "spa")
    add_person(watched.app)
    log_in(watched.app.test_client())
    for name in NAMES:
        come_and_go(watched, name)
        prove_and_link(watched, name)
    end_from_outside(watched)
    say_farewells(watched, clock)
    logged = "\n".join(f"{each.getMessage()} {each.__dict__}" for each in caplog.records)
    watched.mails += received(watched.app)
    written = [str({**mail.values, "code": ""}) for mail in watched.mails]
    places = {**watched.stored(), "log": logged.encode(), "mails": "\n".join(written).encode()}

    # What is looked for was really given away, and there were places where it could be.
    assert len(watched.providers.secrets) > 60
    assert (len(watched.verifiers) > 60, len(watched.nonces) > 20, len(watched.codes)) == (True, True, 2)
    assert len(watched.sent) > 200
    assert min(map(len, places.values())) > 5000

    assert findings(watched.hidden, places) == []
    assert findings(watched.hidden, {"pages": b"\n".join(watched.pages().values())}) == []
    assert findings(watched.hidden, {"addresses": b"\n".join(watched.addresses().values())}) == []
    for code in watched.codes:
        shown = re.compile(rb"(?<![0-9A-Za-z])%b ?%b(?![0-9A-Za-z])" % (code[:3].encode(), code[3:].encode()))
        everywhere = {**places, **watched.pages(), **watched.addresses()}
        assert [where for where, text in everywhere.items() if shown.search(text)] == []


def test_what_is_planted_would_be_found(watched: Watched) -> None:
    watched.verifiers.add("v" * 43)
    assert findings(watched.hidden, {"here": b"x" + b"v" * 43})
    add_person(watched.app)
    with watched.app.app_context():
        db = watched.app.extensions["services"].db
        db.session.execute(sa.text("UPDATE users SET bio = :bio"), {"bio": "v" * 43})
        db.commit()
    assert [each for each in findings(watched.hidden, watched.stored()) if each.endswith("in rows")]
    log_in(watched.app.test_client(), full_name="x")
    assert (
        findings({"page": "Ada Lovelace"}, watched.pages()) == [] != findings({"page": "csrf_token"}, watched.pages())
    )
