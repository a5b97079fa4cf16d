"""Settings: every problem at once, in one clear line each; secrets are never shown."""

import base64
import stat
from pathlib import Path

import pytest

from app.settings import ConfigurationError, Settings
from app.settings.rows import MASK

FERNET = base64.urlsafe_b64encode(bytes(32)).decode()
PRODUCTION = {
    "APP_ENV": "production",
    "SECRET_KEY": "s" * 40,
    "ENCRYPTION_KEYS": FERNET,
    "PUBLIC_URL": "https://id.example.com",
}


def problems(**environ: str) -> list[str]:
    with pytest.raises(ConfigurationError) as raised:
        Settings.from_environment(environ)
    return raised.value.problems


def test_development_needs_nothing_and_keeps_its_keys_to_itself(tmp_path: Path) -> None:
    first = Settings.from_environment({"INSTANCE_PATH": str(tmp_path)})
    again = Settings.from_environment({"INSTANCE_PATH": str(tmp_path)})
    assert first == again
    assert first.issuer == "http://localhost:8000"
    for name in ("secret_key", "encryption_key"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    Settings.from_environment({"INSTANCE_PATH": str(tmp_path)})
    (tmp_path / "secret_key").chmod(0o644)
    assert problems(INSTANCE_PATH=str(tmp_path)) == ["secret_key can be read by others; run chmod 600 on it"]


def test_production_starts_on_given_keys_and_https(tmp_path: Path) -> None:
    settings = Settings.from_environment({**PRODUCTION, "INSTANCE_PATH": str(tmp_path)})
    assert settings.is_https
    assert settings.server.host == "0.0.0.0"
    assert list(tmp_path.iterdir()) == []


def test_production_names_every_problem_at_once() -> None:
    assert problems(APP_ENV="production", PUBLIC_URL="http://id.example.com", FLASK_DEBUG="1") == [
        "SECRET_KEY must be set in production",
        "ENCRYPTION_KEYS must be set in production",
        "PUBLIC_URL must be https in production (http only for a loopback address)",
        "FLASK_DEBUG must be off in production",
    ]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PORT", "0"),
        ("PORT", "x"),
        ("APP_ENV", "prod"),
        ("PUBLIC_URL", "id.example.com"),
        ("JWT_ALGORITHM", "none"),
        ("PUBLIC_URL", "https://id.example.com/path"),
        ("PUBLIC_URL", "https://me@id.example.com"),
        ("PUBLIC_URL", "https://id.example.com?"),
        ("PUBLIC_URL", "https://id.example.com#"),
        ("PUBLIC_URL", "https://id.example.com:0"),
        ("PUBLIC_URL", "https://id.example.com:https"),
        ("PUBLIC_URL", "https://id.example.com:65536"),
        ("PUBLIC_URL", "https://id example.com"),
        ("PUBLIC_URL", "https://id.example.com\\@evil.test"),
        ("PUBLIC_URL", "https://id%2eexample.com"),
        ("PUBLIC_URL", "https://[::1"),
        ("PUBLIC_URL", "https://[1.2.3.4]"),
        ("PUBLIC_URL", "https://1.2.3"),
        ("PUBLIC_URL", "https://-id.example.com"),
        ("PUBLIC_URL", "https://"),
        ("PUBLIC_URL", "capacitor://localhost"),
        ("DATABASE_URL", "mysql://x"),
        ("DB_SCHEMA", "a b"),
        ("DATABASE_OWNER_URL", "mysql://x"),
        ("DATABASE_OWNER_URL", "postgresql://owner@db/x"),
        ("DATABASE_OWNER_URL", "sqlite:////var/lib/portal.db"),
        ("CORS_ORIGINS", "https://a.example.com/x"),
        ("CORS_ORIGINS", "null"),
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "https://*.example.com"),
        ("CORS_ORIGINS", "file:///index.html"),
        ("CORS_ORIGINS", "javascript://a"),
        ("RATE_LIMIT_LOGIN", "often"),
        ("RATE_LIMIT_ENABLED", "perhaps"),
        ("ENCRYPTION_KEYS", "short"),
        ("SECRET_KEY", "short"),
        ("JWT_ALGORITHM", "HS256"),
        ("REDIS_URL", "http://x"),
        ("SESSION_COOKIE_SAMESITE", "None"),
        ("MAIL_TIMEOUT", "16"),
        ("MAIL_DEFAULT_SENDER", "MAX Platform"),
        ("MAIL_DEFAULT_SENDER", "a@example.com, b@example.com"),
        ("MAIL_DEFAULT_SENDER", "a@example.com\r\nBcc: b@example.com"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(tmp_path: Path, variable: str, value: str) -> None:
    (problem,) = problems(INSTANCE_PATH=str(tmp_path), **{variable: value})
    assert variable in problem or variable == "JWT_ALGORITHM"
    assert value not in {"short"} or value not in problem


def test_secrets_are_masked(tmp_path: Path) -> None:
    settings = Settings.from_environment(
        {
            **PRODUCTION,
            "INSTANCE_PATH": str(tmp_path),
            "DATABASE_URL": "postgres://u:hidden@db/x",
            "DATABASE_OWNER_URL": "postgres://owner:hidden@db/x",
            "REDIS_URL": "redis://:hidden@cache/0",
        }
    )
    shown = {row.variable: row.value for row in settings.rows()}
    assert shown["SECRET_KEY"] == shown["ENCRYPTION_KEYS"] == MASK
    assert shown["DATABASE_URL"] == f"postgresql+psycopg://u:{MASK}@db/x"
    assert shown["DATABASE_OWNER_URL"] == f"postgresql+psycopg://owner:{MASK}@db/x"
    assert "hidden" not in str(shown)


def test_a_folder_of_photos_that_cannot_be_written_is_said_at_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(ConfigurationError) as refusal:
        Settings.for_testing(tmp_path, PHOTO_FOLDER=str(tmp_path / "file"))
    assert [problem for problem in refusal.value.problems if "PHOTO_FOLDER" in problem]
    assert Settings.for_testing(tmp_path, PHOTO_FOLDER=str(tmp_path / "new")).accounts.photo_folder
    assert Settings.for_testing(tmp_path, PHOTO_MAX_MEGABYTES="2").accounts.photo_bytes == 2_000_000
    for wrong in ("0", "21", "x"):
        with pytest.raises(ConfigurationError):
            Settings.for_testing(tmp_path, PHOTO_MAX_MEGABYTES=wrong)
