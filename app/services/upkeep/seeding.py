"""The first contents of a portal: scopes, roles, the eight applications, keys, an administrator. Idempotent."""

import secrets
from dataclasses import dataclass, field
from typing import Any, cast

import sqlalchemy as sa

from app.errors import InvalidInput, sentence
from app.models import Group, Role, Scope, new_id
from app.services.clients.clients import ClientRecord, Clients
from app.services.foundation.environment import Caller, Clock, Database
from app.services.people.accounts import Accounts
from app.services.tenancy.administrators import Administrators
from app.services.tenancy.catalogue import GROUP, MANAGE, PERMISSIONS, PRIMARY_GROUP, ROLES
from app.services.tenancy.catalogue import READ as READ_SCOPES
from app.services.tenancy.groups import add as add_group
from app.services.tenancy.names import LONGEST_KEY, key
from app.services.tenancy.permissions import DeclaredPermission, Permissions
from app.services.tenancy.permissions import add as add_permission
from app.services.tenancy.world import GroupRecord
from app.services.tokens.keys import Keys

LOCAL = "http://localhost:{port}"
"""Where the applications are on a developer's desk."""
SERVICE_CLIENT = "maxplatform-service"
PLAYGROUND = "playground"
SEEDER = Caller(actor="seed")

SCOPES = (
    ("openid", "Know that it is you", "본인임을 확인합니다"),
    ("profile", "See your name, picture and role", "이름, 프로필 사진, 역할을 확인합니다"),
    ("email", "See your e-mail address", "이메일 주소를 확인합니다"),
    (
        "offline_access",
        "Keep access after you close it, until you remove it",
        "창을 닫은 뒤에도, 직접 해제할 때까지 접근을 유지합니다",
    ),
    *READ_SCOPES,
    *MANAGE,
)
SERVICE_SCOPES = (
    ("admin:oauth", "Administer clients, tokens and sessions", "클라이언트, 토큰, 세션을 관리합니다"),
    ("admin:users", "Administer users", "사용자를 관리합니다"),
    ("admin:system", "Administer the system", "시스템을 관리합니다"),
    ("admin:full", "Administer everything", "모든 항목을 관리합니다"),
)
READ = ("openid", "profile", "email", "offline_access", "read:profile", "read:features", "read:groups")
SOLUTIONS = (
    ("maxflowstudio", "MAX FlowStudio", sentence("Design and run workflows"), 3005, "manage:workflows"),
    ("maxlab", "MAX Lab", sentence("Plan and follow experiments"), 3010, "manage:experiments"),
    ("maxteamsync", "MAX TeamSync", sentence("Work together in teams"), 3015, "manage:teams"),
    ("maxworkspace", "MAX Workspace", sentence("Documents and shared spaces"), 3020, "manage:workspaces"),
    ("maxqueryhub", "MAX QueryHub", sentence("Query data and publish APIs"), 3025, "manage:apis"),
    ("maxllm", "MAX LLM", sentence("Use and compare language models"), 3030, "manage:models"),
    ("maxapa", "MAX APA", sentence("Automate processes"), 3035, "manage:workflows"),
    ("maxmlops", "MAX MLOps", sentence("Train, deploy and watch models"), 3040, "manage:models"),
)
SEEDED = frozenset({SERVICE_CLIENT, PLAYGROUND, *(client_id for client_id, *_ in SOLUTIONS)})
"""The clients that seeding makes where they are missing."""


@dataclass
class Credentials:
    """What the first run made; shown once, kept nowhere."""

    made: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, kind: str, name: str, secret: str) -> None:
        """Note a new secret of ``kind`` for ``name``."""
        self.made.append((kind, name, secret))


@dataclass(frozen=True, slots=True)
class Beginning:
    """What the operator says a portal begins with; ``takes_local`` is for development."""

    issuer: str
    origin_template: str
    origins: dict[str, str]
    admin_email: str
    admin_password: str
    takes_local: bool

    def origin(self, client_id: str, port: int) -> str | None:
        """Where an application is, or None if there is none here."""
        stated = self.origins.get(client_id) or self.origin_template.format(client=client_id, port=port)
        return None if stated in {"", "none"} else stated


class Seeding:
    """Fills what is missing, changes nothing that is there."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        keys: Keys,
        clients: Clients,
        permissions: Permissions,
        accounts: Accounts,
        administrators: Administrators,
        beginning: Beginning,
    ) -> None:
        self.db = db
        self.clock = clock
        self.keys = keys
        self.clients = clients
        self.permissions = permissions
        self.accounts = accounts
        self.administrators = administrators
        self.beginning = beginning
        self.issuer = beginning.issuer

    def run(self) -> Credentials:
        """Seed everything; answers the credentials made on the way, which are never to be seen again.

        Raises :class:`InvalidInput` for a place of an application that there is none of.
        """
        if unknown := self.beginning.origins.keys() - {client_id for client_id, *_ in SOLUTIONS}:
            raise InvalidInput(
                f"CLIENT_ORIGINS names what is none of the MAX applications: {', '.join(sorted(unknown))}."
            )
        # Nodes that start at once seed once.
        self.db.take_turn()
        made = Credentials()
        self._scopes()
        self._permissions()
        self._groups_and_roles()
        self.keys.ensure(SEEDER)
        self._solutions()
        self._playground()
        if self.clients.find(SERVICE_CLIENT) is None:
            made.add("client", SERVICE_CLIENT, self._service())
        if not self.administrators.exist():
            password = self.beginning.admin_password or secrets.token_urlsafe(15)
            self.accounts.create(
                self.beginning.admin_email,
                password,
                name="Administrator",
                is_admin=True,
                is_verified=True,
                caller=SEEDER,
            )
            if not self.beginning.admin_password:
                made.add("user", self.beginning.admin_email, password)
        return made

    def _scopes(self) -> None:
        known = set(self.db.session.scalars(sa.select(Scope.name)))
        for position, (name, english, korean) in enumerate((*SCOPES, *SERVICE_SCOPES)):
            if name not in known:
                self.db.session.add(
                    Scope(
                        name=name,
                        sentence_en=english,
                        sentence_ko=korean,
                        position=position,
                        is_service=name.startswith("admin:"),
                    )
                )
        self.db.session.flush()

    def _permissions(self) -> None:
        known = {each.name for each in self.permissions.all()}
        for name, english, korean in PERMISSIONS:
            if name not in known:
                declared = DeclaredPermission(name, english, korean, is_builtin=True)
                add_permission(self.db, self.clock, declared)

    def _groups_and_roles(self) -> None:
        now = self.clock()
        roles = set(self.db.session.scalars(sa.select(Role.name)))
        for name, permissions in ROLES.items():
            if name not in roles:
                self.db.session.add(Role(name=name, name_key=key(name), permissions=permissions, created_at=now))
        if not self.db.session.scalar(sa.select(Group.id).where(Group.name == PRIMARY_GROUP)):
            add_group(self.db, GroupRecord(new_id(), PRIMARY_GROUP, GROUP), now)
        self.db.session.flush()
        for model in (Role, Group):
            self._name_keys(cast(sa.Table, model.__table__))

    def _name_keys(self, table: sa.Table) -> None:
        """What older code made in a schema of today has no key; where two names are one, the first one has it."""
        rows = self.db.session.execute(sa.select(table).order_by(table.c.created_at, table.c.id)).all()
        known = {row.name_key for row in rows}
        for row in rows:
            found = key(row.name)
            if row.name_key is None and found not in known and len(found) <= LONGEST_KEY:
                self.db.session.execute(sa.update(table).where(table.c.id == row.id).values(name_key=found))
                known.add(found)

    def _solutions(self) -> None:
        for client_id, name, description, port, scope in SOLUTIONS:
            home = self.beginning.origin(client_id, port)
            known = self.clients.find(client_id)
            if known is not None:
                self._leave_desk(known, LOCAL.format(port=port), home)
            elif home is not None:
                self.clients.create(
                    client_id,
                    name=name,
                    description=description,
                    **_addresses(home),
                    scopes=[*READ, scope],
                    consent_policy="implicit",
                    is_listed=True,
                    caller=SEEDER,
                )

    def _leave_desk(self, client: ClientRecord, desk: str, home: str | None) -> None:
        """In production no application stays on a developer's desk: it moves to where it is, or is stopped."""
        if self.beginning.takes_local or not any(uri.startswith(f"{desk}/") for uri in client.redirect_uris):
            return
        if home is not None:
            moved = _addresses(home)
            changes = {"redirect_uris": moved["redirects"], "post_logout_redirect_uris": moved["post_logout"]}
            self.clients.update(client.client_id, {**changes, "home_uri": home}, SEEDER)
        elif client.is_active:
            self.clients.disable(client.client_id, SEEDER)

    def _playground(self) -> None:
        known = self.clients.find(PLAYGROUND)
        callback = f"{self.issuer}/playground/callback"
        if known is not None and not self.beginning.takes_local and known.redirect_uris != (callback,):
            home = f"{self.issuer}/playground"
            changes = {"redirect_uris": [callback], "post_logout_redirect_uris": [home], "home_uri": home}
            self.clients.update(PLAYGROUND, changes, SEEDER)
        if known is None:
            self.clients.create(
                PLAYGROUND,
                name="Playground",
                description="Try logging in",
                scopes=list(READ),
                redirects=[f"{self.issuer}/playground/callback"],
                post_logout=[f"{self.issuer}/playground"],
                consent_policy="once",
                home_uri=f"{self.issuer}/playground",
                caller=SEEDER,
            )

    def _service(self) -> str:
        secret = self.clients.create(
            SERVICE_CLIENT,
            name="MAX Platform services",
            description="Service tokens of the platform's backends",
            scopes=["read:profile", *(name for name, *_ in SERVICE_SCOPES[:3])],
            is_confidential=True,
            grants=["client_credentials"],
            consent_policy="implicit",
            can_introspect_any=True,
            caller=SEEDER,
        )
        return cast(str, secret)


def _addresses(home: str) -> dict[str, Any]:
    return {"redirects": [f"{home}/oauth/callback"], "post_logout": [home, f"{home}/"], "home_uri": home}
