"""The picture in docs/architecture.md is true: imports point down only, and no room becomes a hall."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

APP = Path(__file__).resolve().parent.parent / "app"
EDGE = {"login", "consent", "social", "account", "admin", "portal", "api", "mail", "oauth", "cli"}
SHARED = {"errors", "languages", "database", "selfcheck", "server", "services", "settings", "stores", "web", "wiring"}
# What the modules of a package may import of the others; edge packages are rooms of their own, none imports another.
MAY_IMPORT: dict[str, set[str]] = {
    **dict.fromkeys(EDGE, SHARED),
    "web": {"errors", "languages", "database", "server", "services", "settings", "wiring"},
    "server": {"database", "services", "settings", "stores", "wiring"},
    "selfcheck": {"errors", "languages", "database", "services", "settings", "stores", "wiring"},
    "wiring": {"services", "settings", "stores"},
    "extensions": {"database", "models", "settings", "web"},
    "database": {"settings"},
    "services": {"errors", "models", "stores"},
    **{package: set() for package in ("models", "stores", "settings", "languages", "errors")},
}
# The rooms of app/services from the top down: each may import those below it, never those above.
ROOMS = [
    "upkeep",
    "oversight",
    "identities",
    "batches",
    "imports",
    "people",
    "hashes",
    "photos",
    "grants",
    "sessions",
    "assertions",
    "delivery",
    "tokens",
    "plans",
    "tenancy",
    "clients",
    "revocation",
    "record",
    "foundation",
]
# Who may use what others do without.
WITHOUT_FLASK = {"models", "stores", "services", "settings", "selfcheck"}
WEB_FRAMEWORKS = {"flask", "werkzeug", "wtforms", "gunicorn"}
USERS_OF = {"redis": {"stores"}, "authlib": {"oauth", "social"}, "os.environ": {"settings"}, "os.getenv": {"settings"}}
MOST_FILES, MOST_LINES = 15, 400


def violations(module: str, source: str) -> Iterator[str]:
    """What a module of this dotted name imports or reads and must not."""
    package, *inside = module.split(".")[1:] or [""]
    for node in ast.walk(ast.parse(source)):
        for name in imported(node):
            if is_forbidden(package, inside[0] if inside else "", name):
                yield f"{module} imports {name}"
        if isinstance(node, ast.Attribute) and package not in USERS_OF.get(ast.unparse(node), {package}):
            yield f"{module} reads the environment"


def is_forbidden(package: str, room: str, name: str) -> bool:
    """Whether a module of this package and room must not import that."""
    library, *path = name.split(".")
    if library != "app":
        is_web = library.split("_")[0] in WEB_FRAMEWORKS
        return (is_web and package in WITHOUT_FLASK) or package not in USERS_OF.get(library, {package})
    if not package or not path:
        return False
    if path[0] != package:
        return path[0] not in MAY_IMPORT[package]
    is_room = package == "services" and room in ROOMS and path[1:] and path[1] in ROOMS
    return bool(is_room) and ROOMS.index(path[1]) < ROOMS.index(room)


def imported(node: ast.AST) -> list[str]:
    """The dotted names one statement imports, with ``from app.a import b`` as ``app.a.b``."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def modules() -> list[tuple[str, Path]]:
    return [
        (".".join(["app", *path.relative_to(APP).with_suffix("").parts]).removesuffix(".__init__"), path)
        for path in sorted(APP.rglob("*.py"))
    ]


@pytest.mark.parametrize(("module", "path"), modules(), ids=[module for module, _ in modules()])
def test_imports_point_down_only(module: str, path: Path) -> None:
    assert list(violations(module, path.read_text())) == []


@pytest.mark.parametrize(("module", "path"), modules(), ids=[module for module, _ in modules()])
def test_a_file_stays_a_room_not_a_hall(module: str, path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MOST_LINES


def test_a_folder_stays_a_room_not_a_hall() -> None:
    folders = {path.parent for _, path in modules()}
    assert {str(folder) for folder in folders if len(list(folder.glob("[!_]*.py"))) > MOST_FILES} == set()


def test_every_room_has_its_place_in_the_order_and_says_what_it_owns() -> None:
    rooms = {
        path.name: path for path in (APP / "services").iterdir() if path.is_dir() and not path.name.startswith("_")
    }
    assert set(rooms) == set(ROOMS)
    for path in rooms.values():
        assert ast.get_docstring(ast.parse((path / "__init__.py").read_text()))


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("app.services.tokens.tokens", "from flask import g"),
        ("app.services.tokens.tokens", "import flask_babel"),
        ("app.services.tokens.tokens", "import authlib.oauth2"),
        ("app.services.tokens.tokens", "from app import oauth"),
        ("app.services.tokens.tokens", "from app.login.forms import LoginForm"),
        ("app.services.tokens.tokens", "from app.wiring import Services"),
        ("app.services.tokens.tokens", "from app.services.sessions.sessions import Sessions"),
        ("app.services.tokens.tokens", "from app.services import sessions"),
        ("app.services.tokens", "from app.services.people.accounts import Accounts"),
        ("app.services.foundation.person", "from app.services.tokens.claims import Claims"),
        ("app.models.user", "from app.stores import open_store"),
        ("app.stores.sqlite", "from app.models import User"),
        ("app.oauth.routes", "import app.login"),
        ("app.login.routes", "from app.consent.forms import ConsentForm"),
        ("app.login.routes", "from app.models import User"),
        ("app.login.routes", "def f():\n    from authlib.oauth2 import OAuth2Error"),
        ("app.web.sessions", "from app.login.routes import bp"),
        ("app.web.sessions", "from app.extensions import db"),
        ("app.database.postgresql", "from app.web.sessions import current_session"),
        ("app.services.foundation.rate_limits", "from redis import Redis"),
        ("app.web.sessions", "import os\nos.environ['X']"),
        ("app", "import os\nos.getenv('X')"),
    ],
)
def test_a_violation_is_caught(module: str, source: str) -> None:
    assert list(violations(module, source))


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("app", "from app import oauth, wiring"),
        ("app.services.sessions.sessions", "from app.services.tokens.tokens import Tokens\nimport app.errors"),
        ("app.oauth.server", "from authlib.oauth2 import OAuth2Error\nfrom app.services.tokens.tokens import Tokens"),
        ("app.stores.redis", "from redis import Redis"),
        ("app.settings", "import os\nos.environ['X']"),
        ("app.login.routes", "from app.login.forms import LoginForm\nfrom flask import g"),
    ],
)
def test_what_is_allowed_is_not_complained_of(module: str, source: str) -> None:
    assert list(violations(module, source)) == []
