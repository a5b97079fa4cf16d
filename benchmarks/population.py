"""A large platform in a database: people, what they hold and what is on record, put there in bulk."""

import functools
import json
import os
import random
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa

from app.services.record.audit import Event
from tests.portal import Portal
from tests.servers import PostgresCluster, unrestricted

ENGINES = ("sqlite", "postgresql")
BATCH = 20_000
SURNAMES = "김이박최정강조윤장임한오서신권황안송류전홍고문양손배"
SYLLABLES = "민서준지우현수연은하윤도예진영재호성경아나라람솔빛가온"
GIVEN = ("Ada", "Grace", "Alan", "Barbara", "Edsger", "Donald", "Margaret", "Linus", "Radia", "Ken")
FAMILY = ("Lovelace", "Hopper", "Turing", "Liskov", "Dijkstra", "Knuth", "Hamilton", "Torvalds", "Perlman")
HOSTS = ("example.com", "maxlab.example", "mail.example", "studio.example", "school.example")
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
COMMON = {
    Event.LOGIN_SUCCEEDED: 32,
    Event.CODE_REDEEMED: 32,
    Event.SERVICE_TOKEN_ISSUED: 12,
    Event.LOGIN_FAILED: 9,
    Event.SESSION_ENDED: 9,
    Event.CONSENT_GRANTED: 5,
    Event.PROFILE_CHANGED: 1,
}
RARE_IP = "198.51.100.7"
Row = tuple[str | int | None, ...]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many rows there are of what, by the number of people."""

    people: int

    @property
    def clients(self) -> int:
        """A hundredth."""
        return max(self.people // 100, 10)

    @property
    def records(self) -> int:
        """Of the audit trail."""
        return self.people * 10


class Population:
    """Makes the rows; the same ones for every engine. Times and truth are written as SQLite has them."""

    def __init__(self, sizes: Sizes, groups: list[str], roles: list[str]) -> None:
        self.sizes, self.roles = sizes, roles
        self.chance = random.Random(1)  # noqa: S311
        self.good: list[tuple[str, str, str]] = []
        self.now = datetime.now(UTC).replace(tzinfo=None)
        self.people = [self.id() for _ in range(sizes.people)]
        self.clients = [f"client-{number:04}" for number in range(sizes.clients)]
        self.sessions = [self.id() for _ in range(sizes.people * 2)]
        self.groups = [*groups, *(self.id() for _ in range(50))]
        self.new_groups = self.groups[len(groups) :]

    def id(self) -> str:
        """A random id in the form of a UUID."""
        drawn = f"{self.chance.getrandbits(128):032x}"
        return f"{drawn[:8]}-{drawn[8:12]}-4{drawn[13:16]}-8{drawn[17:20]}-{drawn[20:]}"

    def ago(self, days: float) -> str:
        """A moment so many days ago."""
        return (self.now - timedelta(days=days)).isoformat(" ", "microseconds")

    def tables(self) -> Iterator[tuple[str, str, Iterable[Row]]]:
        """Each table, its columns and its rows, in an order that references allow."""
        yield "users", USERS, self.of_people()
        yield "clients", CLIENTS, self.of_clients()
        yield "client_secrets", "id client_id secret_hash created_at expires_at", self.of_secrets()
        yield (
            "groups",
            "id name name_key kind created_at",
            ((group, f"Group {group}", f"group {group}", "group", self.ago(300)) for group in self.new_groups),
        )
        yield "memberships", "id user_id group_id role_id is_primary created_at", self.of_memberships()
        yield "identities", IDENTITIES, self.of_identities()
        yield "user_sessions", SESSIONS, self.of_sessions()
        yield "token_families", FAMILIES, self.of_families()
        yield "refresh_tokens", REFRESH, self.of_refresh()
        yield "revoked_tokens", "jti user_id client_id reason blacklisted_at expires_at", self.of_denied()
        yield "deliveries", DELIVERIES, self.of_deliveries()
        yield "oauth_audit_logs", RECORDS, self.of_records()

    def of_people(self) -> Iterator[Row]:
        """A third with English names; one in ten never logged in, one in fifty is stopped."""
        chance, count = self.chance, self.sizes.people
        for number, person in enumerate(self.people):
            if number % 3:
                name = chance.choice(SURNAMES) + "".join(chance.sample(SYLLABLES, 2))
            else:
                name = f"{chance.choice(GIVEN)} {chance.choice(FAMILY)}"
            age = 900 * (count - number) / count
            login = None if chance.random() < 0.1 else self.ago(age * chance.random())
            deletes = self.ago(-chance.random() * 30) if chance.random() < 0.005 else None
            stops, plan = int(chance.random() > 0.02), chance.choices(("free", "pro", "studio"), (90, 9, 1))[0]
            word = chance.choice(("maru", "haneul", "byeol", "dal", "sol", "bada"))
            yield (
                *(person, f"{word}.{number}@{chance.choice(HOSTS)}", f"{word}-{number}", name, FIREFOX),
                *(int(chance.random() < 0.85), "", "ko", "Asia/Seoul", plan, "active", 0, stops, 0),
                *(int(number % 5000 == 7), self.ago(age), self.ago(age / 2), login, deletes),
            )

    def of_clients(self) -> Iterator[Row]:
        """One in ten belongs to the platform, one in four is confidential."""
        scopes, grants = ["openid", "profile", "email"], ["authorization_code", "refresh_token"]
        for number, client in enumerate(self.clients):
            is_own, is_closed = number % 10 == 0, number % 4 == 0
            uris = json.dumps([f"https://app{number}.example/callback", f"https://app{number}.example/silent"])
            granted = [*grants, *(["client_credentials"] if is_closed else [])]
            yield (
                *(client, f"앱 {number}" if number % 2 else f"Application {number}", "", "[]", int(number % 50 != 1)),
                *(int(is_closed), "client_secret_basic" if is_closed else "none", uris, "[]"),
                *(json.dumps([*scopes, *(["read:groups"] if number % 100 == 0 else [])]), "[]", json.dumps(granted)),
                *("implicit" if is_own else "once", 1, "RS256", 0, 0, int(is_own), int(number % 40 == 3), ""),
                *(self.people[number] if number % 20 == 0 else None, self.ago(number / 2), self.ago(number / 4)),
            )

    def of_secrets(self) -> Iterator[Row]:
        """Of every confidential client two; of some the older one ends within days."""
        for number in range(0, len(self.clients), 4):
            client = self.clients[number]
            yield self.id(), client, self._hash(), self.ago(90), self.ago(-(number % 60) - 1)
            yield self.id(), client, self._hash(), self.ago(1), None

    def of_memberships(self) -> Iterator[Row]:
        """Everybody is in one group, half in two."""
        for number, person in enumerate(self.people):
            yield self.id(), person, self.groups[number % 40], self.roles[0], 1, self.ago(100)
            if number % 2:
                second = self.groups[40 + number % (len(self.groups) - 40)]
                role = self.roles[-1] if number % 1001 == 0 else self.roles[0]
                yield self.id(), person, second, role, 0, self.ago(50)

    def of_identities(self) -> Iterator[Row]:
        """Half of the people come in by a provider."""
        for number, person in enumerate(self.people[::2]):
            provider = "discord" if number % 1000 == 0 else ("google", "kakao", "naver")[number % 3]
            subject, made = f"{provider}-{number:09}", self.ago(self.chance.random() * 400)
            yield self.id(), person, provider, "", subject, f"{number}@{provider}.example", 1, "{}", "", made, made

    def of_sessions(self) -> Iterator[Row]:
        """Two of everybody: a tenth are open."""
        chance = self.chance
        for number, session in enumerate(self.sessions):
            is_open, age = chance.random() < 0.1, chance.random() * 30
            ended = None if is_open or number % 3 else self.ago(age / 2)
            ip = RARE_IP if number % 50_000 == 11 else f"10.{number % 200}.{chance.randrange(256)}.{number % 251}"
            begun = self.ago(age if not is_open else age / 60)
            yield (
                *(session, self._hash(), self.people[number // 2], "Firefox, Linux", ip, FIREFOX, number % 2),
                *(begun, begun, begun, 3, self.ago(-13 - age) if is_open else self.ago(age - 20), ended),
                "logout" if ended else None,
            )

    def of_families(self) -> Iterator[Row]:
        """Three of everybody; a fifth are good."""
        chance = self.chance
        for number in range(self.sizes.people * 3):
            is_good, age = chance.random() < 0.2, chance.random() * 30
            revoked = None if is_good or number % 2 else self.ago(age / 2)
            client = self.clients[0 if number % 2 else number % len(self.clients)]
            family, person = self.id(), self.people[number // 3]
            if is_good:
                self.good.append((family, client, person))
            yield (
                *(family, client, person, self.sessions[number // 3 * 2], "openid profile"),
                *(self.ago(age), self.id(), self.ago(age if not is_good else -1), self.ago(age)),
                *(self.ago(age - 30 if is_good else age / 3), revoked, "logout" if revoked else None),
            )

    def of_refresh(self) -> Iterator[Row]:
        """One of every family that is good."""
        for family, client, person in self.good:
            made = self.ago(self.chance.random() * 20)
            yield (
                *(self.id(), self._hash(), family, client, person, "openid", self.id(), made, made, self.ago(-10)),
                *(made, "", FIREFOX, 1, 0),
            )

    def of_denied(self) -> Iterator[Row]:
        """Entries of the denylist."""
        for number in range(self.sizes.people // 5):
            client, age = self.clients[number % len(self.clients)], self.chance.random() / 24
            yield self.id(), self.people[number], client, "logout", self.ago(age), self.ago(-1)

    def of_deliveries(self) -> Iterator[Row]:
        """Most arrived, some wait, some failed, some were given up."""
        for number in range(self.sizes.people // 2):
            kind, age = "mail" if number % 2 else "backchannel_logout", self.chance.random() * 7
            state, made, later = number % 100, self.ago(age), self.ago(-1)
            done, given_up = self.ago(age / 2) if state > 5 else None, self.ago(age / 2) if state == 1 else None
            error = "timed out" if state in {1, 2} else ""
            yield self.id(), kind, self.people[number], None, "", made, later, 1, done, given_up, error, later

    def of_records(self) -> Iterator[Row]:
        """Of a year: logins and tokens above all, a rare action twenty times in all, first and last among them."""
        chance, count = self.chance, self.sizes.records
        drawn = chance.choices(list(COMMON), list(COMMON.values()), k=count)
        few = max(count // 20, 1)
        for number, event in enumerate(drawn):
            person: str | None = self.people[int(len(self.people) * chance.random() ** 2)]
            client: str | None = self.clients[int(len(self.clients) * chance.random() ** 4)]
            actor, is_good = person, event is not Event.LOGIN_FAILED
            if number % few == 5:
                event, actor, client = Event.ROLE_SET, "operator", None
            elif event is Event.SERVICE_TOKEN_ISSUED:
                person, actor = None, client
            ip = RARE_IP if number % few == 9 else f"10.{chance.randrange(200)}.{number % 255}.{chance.randrange(256)}"
            details = json.dumps({"session": self.sessions[number % len(self.sessions)], "request": f"{number:032x}"})
            yield (
                *(self.id(), event.value, client, person, actor, int(is_good)),
                *(None if is_good else "wrong_credentials", ip, FIREFOX, details),
                self.ago(365 * (count - number) / count),
            )

    def _hash(self) -> str:
        return f"{self.chance.getrandbits(256):064x}"


USERS = (
    "id email username full_name password_hash email_verified bio locale timezone plan plan_status quota_used is_active"
    " is_staff is_superuser created_at updated_at last_login_at deletes_at"
)
CLIENTS = (
    "client_id name description contacts is_active is_confidential auth_method redirect_uris post_logout_redirect_uris"
    " allowed_scopes optional_scopes grant_types consent_policy require_pkce id_token_signed_response_alg lean_id_token"
    " can_introspect_any is_listed in_development generation owner_id created_at updated_at"
)
IDENTITIES = "id user_id provider issuer subject email email_verified profile sealed_tokens created_at last_used_at"
SESSIONS = (
    "id token_hash user_id device_name ip_address user_agent is_remembered authenticated_at created_at last_used_at"
    " access_count expires_at ended_at end_reason"
)
FAMILIES = (
    "id client_id user_id session_id scope authenticated_at access_jti access_expires_at created_at expires_at"
    " revoked_at revoke_reason"
)
REFRESH = (
    "id token_hash family_id client_id user_id scope access_jti access_issued_at access_expires_at expires_at"
    " created_at client_ip user_agent rotation_count repeat_count"
)
DELIVERIES = "id kind user_id client_id sealed created_at next_attempt_at attempts done_at given_up_at error expires_at"
RECORDS = "id action client_id user_id actor success error_code ip user_agent details created_at"


def fill(url: str, people: int) -> dict[str, float]:
    """Put everything into a seeded database; answers the seconds that each table took."""
    groups, roles = _seeded(url)
    population, took = Population(Sizes(people), groups, roles), {}
    with _loading(url) as (load, run):
        for table, columns, rows in population.tables():
            began = time.perf_counter()
            load(table, columns.split(), rows)
            took[table] = time.perf_counter() - began
        began = time.perf_counter()
        for statement in SEALED:
            run(statement)
        took["audit_seals"] = time.perf_counter() - began
    return took


# Their place and no proof: what lists join.
SEALED = (
    "INSERT INTO audit_seals (sequence, record_id, personal_hash, salt, hash, added_at)"
    " SELECT row_number() OVER (ORDER BY created_at), id, id, '', id, created_at FROM oauth_audit_logs",
    "UPDATE audit_chain SET sequence = (SELECT count(*) FROM audit_seals),"
    " walked_at = (SELECT max(created_at) FROM oauth_audit_logs)",
)


def _seeded(url: str) -> tuple[list[str], list[str]]:
    engine = sa.create_engine(unrestricted(url), poolclass=sa.NullPool)
    with engine.connect() as connection:
        named = [connection.scalars(sa.text(f"SELECT id FROM {each} ORDER BY name")).all() for each in TENANCY]  # noqa: S608
    return list(named[0]), list(named[1])


TENANCY = ("groups", "roles")
Load = Callable[[str, list[str], Iterable[Row]], None]


@contextmanager
def _loading(url: str) -> Iterator[tuple[Load, Callable[[str], Any]]]:
    """What writes rows and what runs a statement, in one transaction."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as file:
            file.execute("PRAGMA cache_size=-1000000")
            file.execute("BEGIN")

            def write(table: str, columns: list[str], rows: Iterable[Row]) -> None:
                marks = ", ".join("?" * len(columns))
                file.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)  # noqa: S608

            yield write, file.execute
            file.execute("COMMIT")
        return
    with psycopg.connect(unrestricted(url).replace("+psycopg", "")) as connection:
        connection.execute("SET LOCAL TimeZone = 'UTC'")
        yield functools.partial(_copied, connection), lambda statement: connection.execute(statement.encode())
        connection.commit()
        # The server does so by itself soon after.
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE")


def _copied(connection: psycopg.Connection[Any], table: str, columns: list[str], rows: Iterable[Row]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL".encode())
        with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN".encode()) as copy:
            lines = []
            for row in rows:
                lines.append("\t".join(["\\N" if value is None else str(value) for value in row]) + "\n")
                if len(lines) == BATCH:
                    copy.write("".join(lines))
                    lines.clear()
            copy.write("".join(lines))
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER ALL".encode())


@contextmanager
def filled(engine: str, directory: Path, people: int) -> Iterator[tuple[str, Path, dict[str, float]]]:
    """The URL of a filled database below the directory, its instance, and the seconds it took where it was made.

    What is there is brought up to the schema of this version. The database is gone with the block only where the
    directory is.
    """
    place = directory / f"{engine}-{people}"
    place.mkdir(parents=True, exist_ok=True)
    with _served(engine, place) as url:
        portal = Portal(place, url)
        portal.flask("db", "upgrade")
        took: dict[str, float] = {}
        if not (mark := place / "filled").exists():
            portal.flask("seed")
            took = fill(url, people)
            mark.touch()
        yield url, place, took


@contextmanager
def _served(engine: str, place: Path) -> Iterator[str]:
    if engine == "sqlite":
        yield f"sqlite:///{place}/portal.db"
        return
    if os.geteuid() == 0:
        place.chmod(0o755)
    cluster = PostgresCluster(place, is_durable=True)
    cluster.start()
    try:
        if not (place / "filled").exists():
            cluster.create("portal")
        yield cluster.url("portal")
    finally:
        cluster.stop()
