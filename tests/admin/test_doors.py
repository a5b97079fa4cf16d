"""To whom pages of administrators open, for every route the application's own table lists under ``/admin``.

Whoever is nobody, an ordinary member, a program with a token, or administers another part gets nothing of any of them,
by whatever method and with forms that would do something for somebody else; and nobody who administers people changes
anything about themself or about who holds powers.
"""

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from werkzeug.routing import AnyConverter, Rule, UUIDConverter

from app.admin import DESKS
from app.services.foundation.powers import PARTS, USERS
from tests.admin.offices import administrator
from tests.api.service.backends import service_token
from tests.databases import SqliteDatabases
from tests.relying_party import add_person, csrf_token
from tests.security.administration import FORMS
from tests.security.changes import everything
from tests.security.parties import Parties, opened

OPENED_BY = {each.bp.name: each.parts for each in DESKS}
"""Which permissions open a blueprint's pages, one of them; none: any does."""
OUTSIDE = {"acting.end"}
"""Forms of administrators that are not below ``/admin``."""


@pytest.fixture(scope="module")
def parties(sqlite_databases: SqliteDatabases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parties]:
    """A portal of this module's own."""
    with opened(sqlite_databases, tmp_path_factory.mktemp("doors")) as found:
        yield found


@pytest.fixture(scope="module")
def lesser(parties: Parties) -> dict[str, FlaskClient]:
    """Somebody with each of the permissions, and nothing else."""
    return {part: administrator(parties.app, part, email=f"{part[6:]}@example.com") for part in PARTS}


@pytest.fixture(scope="module")
def rules(parties: Parties) -> list[Rule]:
    """Every route under ``/admin``."""
    return [rule for rule in parties.app.url_map.iter_rules() if re.match(r"/admin(/|$)", rule.rule)]


def is_opened(endpoint: str, part: str) -> bool:
    parts = OPENED_BY[endpoint.rpartition(".")[0]]
    return not parts or part in parts


def path_of(parties: Parties, rule: Rule) -> str:
    """An address of a route; what is named in it exists where that is a person or an application."""
    names = {"user_id": parties.ada, "client_id": parties.web.client_id}
    arguments: dict[str, Any] = {}
    for name in rule.arguments:
        converter = rule._converters[name]
        if isinstance(converter, AnyConverter):
            arguments[name] = min(converter.items)
        else:
            value = names.get(name, parties.ada)
            arguments[name] = UUID(value) if isinstance(converter, UUIDConverter) else value
    return str(parties.app.url_map.bind("localhost:8000").build(rule.endpoint, arguments, min(rule.methods or {"GET"})))


def held(parties: Parties) -> dict[str, Any]:
    """What the portal holds; refusals go on record, and using a session is noted with it."""
    return {
        name: rows
        for name, rows in everything(parties.app).items()
        if name not in {"oauth_audit_logs", "audit_seals", "user_sessions"}
    }


def test_every_page_stands_behind_a_desk(rules: list[Rule]) -> None:
    assert {rule.endpoint.rpartition(".")[0] for rule in rules} == set(OPENED_BY)
    assert {part for parts in OPENED_BY.values() for part in parts} <= set(PARTS)
    assert {endpoint.rpartition(".")[0] for endpoint in FORMS} <= {*OPENED_BY, "acting"}


def test_nobody_else_gets_anything_of_any_page(
    parties: Parties, lesser: dict[str, FlaskClient], rules: list[Rule]
) -> None:
    member, _ = parties.newcomer()
    bearer = {"Authorization": f"Bearer {service_token(parties.app, 'backend', 'admin:full')}"}
    strangers = [(parties.app.test_client(), {}), (parties.app.test_client(), bearer)]
    tokens = {id(each): csrf_token(each, "/logout") for each in (member, *lesser.values())}
    paths = [path_of(parties, rule) for rule in rules]
    before, asked = held(parties), 0
    for rule, path in zip(rules, paths, strict=True):
        for method in sorted((rule.methods or set()) - {"OPTIONS"}):
            for browser, headers in strangers:
                answer = browser.open(path, method=method, headers=headers)
                assert answer.status_code in ({303} if method in {"GET", "HEAD"} else {303, 400}), (method, path)
                assert answer.status_code == 400 or answer.location.startswith("/login?next="), (method, path)
            closed = [browser for part, browser in lesser.items() if not is_opened(rule.endpoint, part)]
            for browser in (member, *closed):
                form = {} if method in {"GET", "HEAD"} else {"csrf_token": tokens[id(browser)]}
                answer = browser.open(path, method=method, data=form)
                assert answer.status_code == 403, (method, path, answer.status_code)
                assert "Set-Cookie" not in answer.headers or "session" not in answer.headers["Set-Cookie"]
                asked += 1
    assert asked > len(rules)
    assert held(parties) == before


@pytest.mark.parametrize("endpoint", sorted(FORMS.keys() - OUTSIDE))
def test_a_form_of_another_part_does_nothing(parties: Parties, lesser: dict[str, FlaskClient], endpoint: str) -> None:
    """What an administrator of everything is shown, sent by others with tokens of their own."""
    form = FORMS[endpoint](parties)
    member, _ = parties.newcomer()
    closed = [browser for part, browser in lesser.items() if not is_opened(endpoint, part)]
    before = held(parties)
    for browser in (member, *closed):
        data = {**form.values, "csrf_token": csrf_token(browser, "/logout")}
        assert browser.post(form.path, data=data).status_code == 403
    assert held(parties) == before


NAMES_A_PERSON = re.compile(r"((?<=/people/)|(?<=/members/))[0-9a-f-]{36}(?=[/?])")


def test_who_administers_people_reaches_neither_themself_nor_who_holds_powers(
    parties: Parties, lesser: dict[str, FlaskClient], rules: list[Rule]
) -> None:
    """Each form about a person, sent about others than it was shown for."""
    named = {rule.endpoint for rule in rules if "user_id" in rule.arguments} & FORMS.keys()
    assert len(named) >= 4
    with parties.app.app_context():
        accounts = parties.app.extensions["services"].accounts
        powerful = [accounts.find(f"{part[6:]}@example.com").id for part in PARTS]
    powerful.append(add_person(parties.app, "root@example.com", is_admin=True))
    browser = lesser[USERS]
    for endpoint in sorted(named):
        form = FORMS[endpoint](parties)
        before = held(parties)
        for person in powerful:
            path, count = NAMES_A_PERSON.subn(person, form.path)
            assert count == 1, path
            data = {**form.values, "csrf_token": csrf_token(browser, "/logout")}
            # Something else may be wrong as well: an address that was typed (400), something of the other person (404).
            assert browser.post(path, data=data).status_code in {400, 403, 404}, path
        assert held(parties) == before, endpoint
