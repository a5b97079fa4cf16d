"""A rehearsal tells what then happens; each value comes by its usual door; whoever is there keeps what is theirs."""

import hashlib
import io
import itertools
import unicodedata
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.errors import InvalidInput
from app.models import AuditLog, Delivery, Group, Membership, Role, User
from app.services.imports import imports, judging, rows
from app.services.imports.judging import Action
from app.services.imports.sheets import Form
from app.services.people import email_names
from tests.relying_party import add_person, log_in
from tests.services.hashes.vectors import KEYCLOAK, KOREAN, PASSWORD, VECTORS
from tests.services.imports.files import CALLER, imported, jsonl, one, run_of, services_of, table

HASH = next(given for name, _, given in VECTORS if name == "werkzeug pbkdf2:sha1")
NUMBERS = itertools.count()


@pytest.fixture
def host() -> str:
    """A domain that no other test has people of."""
    return f"h{next(NUMBERS)}.example.com"


def kept(portal: Flask, email: str) -> dict[str, Any]:
    """The person's row."""
    with portal.app_context():
        row = services_of(portal).db.session.execute(sa.select(User.__table__).where(User.email == email)).first()
        return {} if row is None else row._asdict()


def places(portal: Flask, email: str) -> set[tuple[str, str, bool]]:
    query = (
        sa.select(Group.name, Role.name, Membership.is_primary)
        .join(Membership, Membership.group_id == Group.id)
        .join(Role, Role.id == Membership.role_id)
        .join(User, User.id == Membership.user_id)
        .where(User.email == email)
    )
    with portal.app_context():
        return {(group, role, is_primary) for group, role, is_primary in services_of(portal).db.session.execute(query)}


def counted(portal: Flask) -> tuple[int, ...]:
    """How many rows there are of everything an import writes."""
    with portal.app_context():
        session = services_of(portal).db.session
        return tuple(
            int(session.scalar(sa.select(sa.func.count()).select_from(table)) or 0)
            for table in (User, Membership, AuditLog, Delivery)
        )


def recorded(portal: Flask, **said: str) -> list[Any]:
    """What is on record with these details."""
    with portal.app_context():
        every = services_of(portal).db.session.scalars(sa.select(AuditLog).order_by(AuditLog.created_at)).all()
        return [each for each in every if said.items() <= (each.details or {}).items()]


TEXTS = st.sampled_from(["", "Ada", "=1+1", "김 민수", "\u200b", "x" * 201, "a\x00b", "\ud800", "\ufeffAda", "Ａｄａ"])
ROWS = st.fixed_dictionaries(
    {"email": st.sampled_from(["ada", "ADA", "ａｄａ", "bob", " bob ", "eve", "kim", "@", "", "a b"])},
    optional={
        "name": TEXTS,
        "given_name": TEXTS,
        "family_name": TEXTS,
        "email_verified": st.sampled_from([True, False, "yes", "ｆａｌｓｅ", "maybe", 1, None]),
        "locale": st.sampled_from(["ko", "en-US", "fr", 3]),
        "zoneinfo": st.sampled_from(["asia/seoul", "Mars/Base"]),
        "picture": st.sampled_from(["https://example.com/a.png", "javascript:alert(1)"]),
        "plan": st.sampled_from(["free", "pro", "PRO", "gold"]),
        "groups": st.sampled_from(
            ["디자인 팀", ["디자인 팀:editor", "MAX:editor"], "MAX:admin", "Nobody", "MAX:none", "MAX;max", [1], 5]
        ),
        "disabled": st.booleans(),
        "external_id": st.sampled_from(["7", "\x07", "x" * 256]),
        "created_at": st.sampled_from(["2020-02-29", "2999-01-01", "1969-01-01", "never", "2020-01-01T00:00:00+09:00"]),
        "password_hash": st.sampled_from([HASH, "!", "plain", {"secretData": 1}, 7]),
    },
)


@given(
    before=st.lists(ROWS, max_size=4),
    file=st.lists(ROWS, max_size=8),
    updates=st.booleans(),
    allows_admins=st.booleans(),
)
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_a_rehearsal_tells_what_then_happens_and_does_nothing(
    portal: Flask, before: list[dict[str, Any]], file: list[dict[str, Any]], updates: bool, allows_admins: bool
) -> None:
    host = f"p{next(NUMBERS)}.example.com"

    def here(some: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**row, "email": row["email"] and f"{row['email']}@{host}"} for row in some] or [{"email": ""}]

    wishes = {"updates": updates, "allows_admins": allows_admins}
    imported(portal, here(before), allows_admins=True)
    rows_before = counted(portal)
    told = imported(portal, here(file), is_rehearsal=True, **wishes)
    assert counted(portal) == rows_before
    known = {each.email: kept(portal, each.email) for each in told if each.email}
    assert imported(portal, here(file), **wishes) == told
    for each in told:
        person = kept(portal, each.email) if each.email else {}
        if each.action is Action.CREATED:
            assert not known[each.email]
            assert person
        elif each.action in {Action.SKIPPED, Action.UNCHANGED}:
            assert person == known[each.email]
        elif each.action is Action.UPDATED:
            same = {"password_hash", "email_verified", "locale", "timezone", "avatar_url", "is_active", "created_at"}
            assert {name: person[name] for name in same} == {name: known[each.email][name] for name in same}
    again = imported(portal, here(file), **wishes)
    settled = {Action.CREATED: Action.UNCHANGED if updates else Action.SKIPPED, Action.UPDATED: Action.UNCHANGED}
    for first, second in zip(told, again, strict=True):
        # Whoever has become an administrator is changed no more; with the very same places there is nothing to change.
        assert second.action is settled.get(first.action, first.action)


def test_everything_that_is_said_of_a_person_is_kept(portal: Flask, host: str) -> None:
    said = {
        "email": f"Ｋｉｍ@{host.upper()}",
        "given_name": unicodedata.normalize("NFD", "민수"),
        "family_name": "김",
        "email_verified": "TRUE",
        "locale": "en_US",
        "zoneinfo": "europe/london",
        "picture": "https://example.com/kim.png",
        "plan": "Pro",
        "groups": "디자인 팀:editor; MAX:editor",
        "disabled": True,
        "external_id": "legacy-7",
        "created_at": "2020-01-01T09:00:00+09:00",
        "password_hash": HASH,
    }
    outcome = one(portal, **said)
    assert (outcome.action, outcome.email) == (Action.CREATED, f"kim@{host}")
    person = kept(portal, outcome.email)
    expected = {
        "full_name": "김민수",
        "email_verified": True,
        "locale": "en",
        "timezone": "Europe/London",
        "avatar_url": "https://example.com/kim.png",
        "plan": "pro",
        "is_active": False,
        "is_superuser": False,
        "password_changed_at": None,
    }
    assert {name: person[name] for name in expected} == expected
    assert person["created_at"].isoformat() == "2020-01-01T00:00:00+00:00"
    assert person["password_hash"].startswith("$pbkdf2-sha1$i=1000$")
    assert places(portal, outcome.email) == {("MAX", "editor", True), ("디자인 팀", "editor", False)}
    (record,) = [each for each in recorded(portal, external_id="legacy-7") if each.user_id == person["id"]]
    assert (record.action, record.actor) == ("account:imported", "operator")


def test_a_table_says_the_same_as_lines_and_a_formula_is_text(portal: Flask, host: str) -> None:
    name = "=cmd|' /C calc'!A1"
    file = table([{"email": f"ada@{host}", "name": name, "groups": "디자인 팀", "disabled": "no", "password_hash": ""}])
    with portal.app_context():
        run = services_of(portal).imports.begin(io.BytesIO(file), Form.CSV, CALLER)
        ((outcome,),) = list(run)
    assert (outcome.row, outcome.action) == (2, Action.CREATED)
    person = kept(portal, f"ada@{host}")
    assert (person["full_name"], person["password_hash"], person["is_active"]) == (name, None, True)
    assert places(portal, f"ada@{host}") == {("MAX", "member", True), ("디자인 팀", "member", False)}


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("email", "ada", "This is not an e-mail address."),
        ("email", "=1+1", "This is not an e-mail address."),
        ("email", "é@example.com", email_names.UNREACHABLE),
        ("email", ["a@example.com"], rows.OTHER_TYPE),
        ("email", "a\x00@example.com", rows.NOT_TEXT),
        ("name", "\udcb1\udce8", rows.NOT_TEXT),
        ("name", "\u200b", "Enter your name."),
        ("name", "x" * 201, "This name is too long."),
        ("given_name", "x" * 201, "This name is too long."),
        ("email_verified", "si", rows.NO_TRUTH),
        ("disabled", 1, rows.NO_TRUTH),
        ("locale", "de-DE", "Choose one of the languages."),
        ("zoneinfo", "KST", "Choose a time zone from the list, such as Asia/Seoul."),
        ("picture", "http://example.com/a.png", "Give the address of a picture that begins with https://."),
        ("plan", "gold", judging.NO_PLAN),
        ("groups", "Nobody", judging.NO_GROUP),
        ("groups", "MAX:nobody", judging.NO_ROLE),
        ("groups", ":", judging.NO_GROUP),
        ("groups", "MAX;ｍａｘ:editor", judging.GROUP_TWICE),
        ("groups", ["MAX"] * 51, rows.TOO_MANY_GROUPS),
        ("groups", [["MAX"]], rows.OTHER_TYPE),
        ("groups", "MAX:ＡＤＭＩＮ", judging.MAKES_ADMINISTRATORS),
        ("groups", "디자인 팀:admin", judging.MAKES_ADMINISTRATORS),
        ("external_id", "a\nb", rows.NO_ID),
        ("created_at", "2999-01-01", rows.NO_MOMENT),
        ("created_at", "0001-01-01T00:00:00+14:00", rows.NO_MOMENT),
        ("created_at", "1580000000000", rows.NO_MOMENT),
        ("password_hash", PASSWORD, "This password hash is of no kind that is known here."),
    ],
)
def test_a_value_that_cannot_be_used_is_told_by_row_and_column(
    portal: Flask, host: str, column: str, value: Any, message: str
) -> None:
    good = {"email": f"ada@{host}"}
    first, outcome = imported(portal, [{"email": f"bob@{host}"}, {**good, column: value}])
    assert first.action is Action.CREATED
    assert (outcome.row, outcome.action) == (2, Action.REFUSED)
    assert [(each.column, each.text) for each in outcome.problems] == [(column, message)]
    assert kept(portal, f"ada@{host}") == {}


def test_all_that_is_wrong_with_a_row_is_told_at_once(portal: Flask) -> None:
    outcome = one(portal, name="\u200b", plan="gold", disabled="?")
    assert {each.column for each in outcome.problems} == {"email", "name", "disabled"}


def test_one_address_in_two_spellings_is_one_person(portal: Flask, host: str) -> None:
    spellings = [f"ada@{host}", f"ＡＤＡ@{host}", f"Ada <ada@{host}>"]
    outcomes = imported(portal, [{"email": email} for email in spellings])
    assert [each.action for each in outcomes] == [Action.CREATED, Action.REFUSED, Action.REFUSED]
    assert [each.problems[0].text for each in outcomes[1:]] == ["Row 1 has this e-mail already."] * 2


def test_whoever_is_there_is_left_alone_or_changed_in_three_things(portal: Flask, host: str) -> None:
    email = f"ada@{host}"
    one(portal, email=email, name="Ada", password_hash=HASH)
    before = kept(portal, email)
    news = {
        "email": email.upper(),
        "name": "Ada King",
        "plan": "pro",
        "groups": "디자인 팀:editor",
        "password_hash": "!",
        "email_verified": True,
        "disabled": True,
        "locale": "en",
    }
    (skipped,) = imported(portal, [news])
    assert skipped.action is Action.SKIPPED
    assert kept(portal, email) == before
    (updated,) = imported(portal, [news], updates=True)
    assert (updated.action, updated.changed) == (Action.UPDATED, ("name", "plan", "groups"))
    after = kept(portal, email)
    changed = {name for name in after if after[name] != before[name]} - {"updated_at"}
    assert changed <= {"full_name", "plan", "plan_started_at"}
    assert (after["full_name"], after["plan"]) == ("Ada King", "pro")
    assert places(portal, email) == {("MAX", "member", True), ("디자인 팀", "editor", False)}
    (again,) = imported(portal, [news], updates=True)
    assert again.action is Action.UNCHANGED


def test_administrators_are_made_only_where_that_is_allowed_and_changed_never(portal: Flask, host: str) -> None:
    row = {"email": f"root@{host}", "groups": "MAX:admin"}
    (made,) = imported(portal, [row], allows_admins=True)
    assert made.action is Action.CREATED
    assert kept(portal, f"root@{host}")["is_superuser"]
    (lowered,) = imported(portal, [{**row, "groups": "MAX:member"}], updates=True, allows_admins=True)
    assert [each.sentence for each in lowered.problems] == [judging.ADMINISTRATOR]
    assert places(portal, f"root@{host}") == {("MAX", "admin", True)}
    one(portal, email=f"bob@{host}")
    bob = {"email": f"bob@{host}", "groups": "MAX:admin"}
    assert [each.action for each in imported(portal, [bob], updates=True)] == [Action.REFUSED]
    assert [each.action for each in imported(portal, [bob], updates=True, allows_admins=True)] == [Action.UPDATED]


def test_a_plan_that_is_paid_for_stays(portal: Flask, host: str) -> None:
    email = f"ada@{host}"
    one(portal, email=email)
    with portal.app_context():
        db = services_of(portal).db
        db.session.execute(sa.update(User).where(User.email == email).values(billing_subscription_id=f"sub-{host}"))
        db.commit()
    (outcome,) = imported(portal, [{"email": email, "plan": "pro"}], updates=True)
    assert [each.sentence for each in outcome.problems] == [judging.SUBSCRIBED]


def test_a_run_that_was_cut_short_goes_on_with_the_same_file(
    portal: Flask, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "ROWS_AT_ONCE", 5)
    file = [{"email": f"p{number}@{host}"} for number in range(12)]
    with portal.app_context():
        assert len(next(iter(run_of(portal, file)))) == 5
    outcomes = imported(portal, file)
    assert [each.action for each in outcomes] == [Action.SKIPPED] * 5 + [Action.CREATED] * 7


def test_a_run_is_on_record_with_its_file_and_its_counts(portal: Flask, host: str) -> None:
    file = [{"email": f"ada@{host}", "plan": "pro", "password_hash": HASH}, {"email": "?"}, {"email": f"bob@{host}"}]
    with portal.app_context():
        run = run_of(portal, file)
        list(run)
        assert (run.counts[Action.CREATED], run.counts[Action.REFUSED]) == (2, 1)
    found = recorded(portal, request=run.id)
    assert sorted(each.action for each in found) == [
        "account:imported",
        "account:imported",
        "account:plan:set",
        "people:imported",
    ]
    assert {each.actor for each in found} == {"operator"}
    (whole,) = [each for each in found if each.action == "people:imported"]
    assert whole.details["sha256"] == hashlib.sha256(jsonl(file)).hexdigest() == run.sha256
    assert (whole.details["created"], whole.details["refused"]) == (2, 1)
    assert "pbkdf2" not in str([each.details for each in found])


def test_nobody_takes_an_address_that_may_be_returned_to(portal: Flask, host: str) -> None:
    old, new = f"ada@{host}", f"ada.king@{host}"
    user_id = add_person(portal, old)
    with portal.app_context():
        services_of(portal).email_addresses.assign(user_id, new, CALLER, is_verified=True)
        services_of(portal).db.commit()
    assert [each.sentence for each in one(portal, email=old).problems] == [judging.MAY_RETURN]


def test_what_is_no_file_of_people_is_refused_before_anything_is_done(portal: Flask) -> None:
    before = counted(portal)
    with portal.app_context(), pytest.raises(InvalidInput):
        services_of(portal).imports.begin(io.BytesIO(b"name\nAda\n"), Form.CSV, CALLER)
    assert counted(portal) == before


CHOSEN = ("django argon2", "django bcrypt_sha256", "django korean", "werkzeug scrypt:1024", "passlib bcrypt 2y")
LOGINS = [
    *((name, password, stored) for name, password, stored in VECTORS if name in CHOSEN),
    *((name, PASSWORD, credential) for name, credential in KEYCLOAK if name in {"keycloak pbkdf2 64"}),
]


def test_people_log_in_with_the_password_they_have_and_get_a_hash_of_ours(portal: Flask, host: str) -> None:
    file = [{"email": f"p{n}@{host}", "password_hash": stored} for n, (_, _, stored) in enumerate(LOGINS)]
    imported(portal, file)
    for number, (_, password, _) in enumerate(LOGINS):
        email = f"p{number}@{host}"
        theirs = kept(portal, email)["password_hash"]
        assert log_in(portal.test_client(), email, password=password + "x").status_code == 401
        assert kept(portal, email)["password_hash"] == theirs
        assert log_in(portal.test_client(), email, password=password).status_code == 303
        ours = kept(portal, email)["password_hash"]
        assert ours.startswith("$argon2id$")
        assert ours != theirs
        assert log_in(portal.test_client(), email, password=password).status_code == 303
        assert kept(portal, email)["password_hash"] == ours


def test_who_is_disabled_or_has_no_password_does_not_get_in(portal: Flask, host: str) -> None:
    imported(
        portal,
        [
            {"email": f"ada@{host}", "password_hash": HASH, "disabled": True},
            {"email": f"bob@{host}", "password_hash": "!"},
        ],
    )
    for who, password in (("ada", PASSWORD), ("bob", ""), ("bob", "!")):
        assert log_in(portal.test_client(), f"{who}@{host}", password=password).status_code in {400, 401}


def test_a_password_typed_in_another_spelling_opens_and_is_then_kept_in_ours(portal: Flask, host: str) -> None:
    """The other system hashed what its keyboards sent, here decomposed; the same is typed here."""
    decomposed = unicodedata.normalize("NFD", KOREAN)
    theirs = services_of(portal).passwords._hasher.hash(decomposed)
    one(portal, email=f"kim@{host}", password_hash=theirs)
    assert log_in(portal.test_client(), f"kim@{host}", password=decomposed).status_code == 303
    assert log_in(portal.test_client(), f"kim@{host}", password=KOREAN).status_code == 303
