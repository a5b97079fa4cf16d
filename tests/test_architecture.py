"""The picture in docs/architecture.md is true: imports point down only."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

APP = Path(__file__).resolve().parent.parent / "app"
EDGE = {"login", "consent", "social", "account", "admin", "portal", "api", "mail", "oauth", "cli"}
FRAMEWORKS = {
    "flask",
    "werkzeug",
    "authlib",
    "wtforms",
    "flask_wtf",
    "flask_babel",
    "flask_mailman",
    "flask_migrate",
    "gunicorn",
}
COMPOSITION = {"app", "app.wiring"}

# What the modules of a room may not import; a name covers everything below it.
FORBIDDEN = {
    "models": {*FRAMEWORKS, "redis", "app.services", "app.stores", *(f"app.{room}" for room in EDGE)},
    "stores": {*FRAMEWORKS, "sqlalchemy", "app.services", "app.models", *(f"app.{room}" for room in EDGE)},
    "services": {
        *FRAMEWORKS,
        "app.extensions",
        "app.web.security",
        "app.web.sessions",
        *(f"app.{room}" for room in EDGE),
    },
    **{room: {f"app.{other}" for other in EDGE - {room}} for room in EDGE},
}


def violations(module: str, source: str) -> Iterator[str]:
    """What a module of this dotted name imports or reads and must not."""
    room = module.split(".")[1] if "." in module else ""
    forbidden = set(FORBIDDEN.get(room, set())) | (
        {"app.wiring"} if room in {"models", "stores", "services"} else set()
    )
    if room != "stores":
        forbidden.add("redis")
    if room not in {"oauth", "social"} and module not in COMPOSITION:
        forbidden.add("authlib")
    for node in ast.walk(ast.parse(source)):
        for name in imported(node):
            if any(name == banned or name.startswith(f"{banned}.") for banned in forbidden):
                yield f"{module} imports {name}"
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.environ", "os.getenv"} and room != "settings":
            yield f"{module} reads the environment"


def imported(node: ast.AST) -> list[str]:
    """The dotted names one statement imports, with ``from a import b`` as ``a`` and ``a.b``."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
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
    assert len(path.read_text().splitlines()) <= 400


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("app.services.tokens.tokens", "from flask import g"),
        ("app.services.tokens.tokens", "import authlib.oauth2"),
        ("app.services.tokens.tokens", "from app import oauth"),
        ("app.services.tokens.tokens", "from app.login.forms import LoginForm"),
        ("app.services.tokens.tokens", "from app.wiring import Services"),
        ("app.models.user", "from app.stores import open_store"),
        ("app.stores.sqlite", "from app.models import User"),
        ("app.oauth.routes", "import app.login"),
        ("app.login.routes", "from app.consent.forms import ConsentForm"),
        ("app.login.routes", "def f():\n    from authlib.oauth2 import OAuth2Error"),
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
        ("app.wiring", "from app.oauth.server import create_server"),
        ("app.oauth.server", "from authlib.oauth2 import OAuth2Error\nfrom app.services.tokens.tokens import Tokens"),
        ("app.stores.redis", "from redis import Redis"),
        ("app.settings", "import os\nos.environ['X']"),
        ("app.login.routes", "from app.login.forms import LoginForm\nfrom flask import g"),
    ],
)
def test_what_the_picture_allows_passes(module: str, source: str) -> None:
    assert list(violations(module, source)) == []
