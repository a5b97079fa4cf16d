"""Secrets come from the environment or from files, and what is wrong with one is one line that does not tell it."""

import dataclasses
from pathlib import Path
from typing import Any, cast

import pytest
from cryptography.fernet import Fernet

from app.settings import ConfigurationError, Settings

SECRETS = sorted(
    item.metadata["variable"]
    for group in dataclasses.fields(Settings)
    for item in dataclasses.fields(cast(type, group.type))
    if item.metadata.get("secret")
)
GOOD = {
    "DATABASE_URL": "postgresql://portal:hidden-password@127.0.0.1/portal",
    "DATABASE_OWNER_URL": "postgresql://portal:hidden-password@127.0.0.1/portal",
    "REDIS_URL": "redis://:hidden-password@127.0.0.1:6379/0",
    "SECRET_KEY": "hidden-" * 8,
    "SECRET_KEY_FALLBACKS": f"{'hidden-' * 7},{'hidden-' * 6}",
    "ENCRYPTION_KEYS": f"{Fernet.generate_key().decode()}\n{Fernet.generate_key().decode()}",
    "JWT_SHARED_SECRET": "hidden-" * 9,
    "MAIL_PASSWORD": "hidden-password",
    "ADMIN_PASSWORD": "hidden-password",
    "GOOGLE_CLIENT_SECRET": "hidden-secret",
    "KAKAO_CLIENT_SECRET": "hidden-secret",
    "KAKAO_ADMIN_KEY": "hidden-key",
    "NAVER_CLIENT_SECRET": "hidden-secret",
    "DISCORD_CLIENT_SECRET": "hidden-secret",
    "METRICS_TOKEN": "hidden-token-of-metrics",
    "BILLING_WEBHOOK_SECRET": "hidden-secret-of-billing",
    "OTEL_EXPORTER_OTLP_HEADERS": "authorization=hidden-header",
}
# What a secret is of no use without.
BESIDE = {
    "DATABASE_OWNER_URL": {"DATABASE_URL": GOOD["DATABASE_URL"]},
    "GOOGLE_CLIENT_SECRET": {"GOOGLE_CLIENT_ID": "portal"},
    "KAKAO_CLIENT_SECRET": {"KAKAO_REST_API_KEY": "portal"},
    "KAKAO_ADMIN_KEY": {"KAKAO_REST_API_KEY": "portal", "KAKAO_CLIENT_SECRET": "hidden-secret"},
    "NAVER_CLIENT_SECRET": {"NAVER_CLIENT_ID": "portal"},
    "DISCORD_CLIENT_SECRET": {"DISCORD_CLIENT_ID": "portal"},
    "BILLING_WEBHOOK_SECRET": {"BILLING_PLANS": "pro:1"},
}


def read(tmp_path: Path, **environ: str) -> Settings:
    return Settings.for_testing(tmp_path / "instance", **environ)


def problems(tmp_path: Path, **environ: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, **environ)
    return caught.value.problems


def values(settings: Settings) -> dict[str, Any]:
    return {
        item.metadata["variable"]: getattr(getattr(settings, group.name), item.name)
        for group in dataclasses.fields(settings)
        for item in dataclasses.fields(getattr(settings, group.name))
        if item.metadata
    }


@pytest.mark.parametrize("variable", SECRETS)
def test_every_secret_can_stand_in_a_file(tmp_path: Path, variable: str) -> None:
    file = tmp_path / "secret"
    file.write_text(GOOD[variable] + "\n")
    beside = BESIDE.get(variable, {})
    by_file = values(read(tmp_path, **beside, **{f"{variable}_FILE": str(file)}))[variable]
    assert by_file == values(read(tmp_path, **beside, **{variable: GOOD[variable]}))[variable]
    assert by_file


@pytest.mark.parametrize("variable", SECRETS)
def test_what_is_wrong_with_a_file_is_one_line(tmp_path: Path, variable: str) -> None:
    file, name = tmp_path / "secret", {f"{variable}_FILE": str(tmp_path / "secret")}
    prefix = f"{variable} cannot be read from {variable}_FILE: "
    assert problems(tmp_path, **name) == [f"{prefix}No such file or directory"]
    file.write_text(" \n")
    assert problems(tmp_path, **name) == [f"{prefix}the file is empty"]
    file.write_bytes(b"\xff\xfe hidden")
    assert problems(tmp_path, **name) == [f"{prefix}the file holds no text"]
    file.write_text(GOOD[variable])
    both = problems(tmp_path, **name, **{variable: GOOD[variable]})
    assert both == [f"{variable} and {variable}_FILE are both set; choose one"]
    file.unlink()
    file.mkdir()
    assert problems(tmp_path, **name) == [f"{prefix}Is a directory"]


@pytest.mark.parametrize("name", ["secret_key", "encryption_key"])
def test_a_kept_key_that_cannot_be_used_is_one_line(tmp_path: Path, name: str) -> None:
    read(tmp_path)
    kept = tmp_path / "instance" / name
    kept.write_text("")
    assert problems(tmp_path) == [f"{name} is empty; restore it from a backup, or delete it to have a new one made"]
    kept.write_bytes(b"\x80\x81\xff")
    assert problems(tmp_path) == [f"{name} is damaged: it holds no text; restore it from a backup"]
    kept.unlink()
    kept.mkdir(mode=0o700)
    assert problems(tmp_path) == [f"{kept} cannot be used: Is a directory"]


def test_earlier_secrets_are_as_long_as_the_present_one(tmp_path: Path) -> None:
    assert problems(tmp_path, SECRET_KEY_FALLBACKS=f"{'x' * 40},short") == [
        "SECRET_KEY_FALLBACKS must have 32 or more characters each"
    ]
