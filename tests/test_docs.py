"""The documents say what is true."""

import base64
import hashlib
import re
from dataclasses import fields
from pathlib import Path

from app.server.metrics import families
from app.settings import documentation
from app.settings.providers import GenericProvider, ProviderSettings

ROOT = Path(__file__).resolve().parent.parent


def test_the_settings_table_is_made_from_the_code() -> None:
    assert (ROOT / "docs/configuration.md").read_text() == documentation()


def test_the_table_of_metrics_is_made_from_the_code() -> None:
    assert (ROOT / "docs/metrics.md").read_text().endswith(f"document`.\n\n{families.documentation()}")


def test_social_login_tells_every_setting_of_a_provider_in_both_languages() -> None:
    english, korean = (ROOT / "docs/social-login.md").read_text().split("\n---\n")
    known = [item.metadata["variable"] for item in fields(ProviderSettings) if item.metadata]
    generic = [item.metadata["variable"].format("ACME") for item in fields(GenericProvider)]
    told = [name for name in (*known, *generic) if not name.endswith("_URL") and name != "GOOGLE_ISSUER"]
    assert [name for name in told if f"`{name}`" not in english or f"`{name}`" not in korean] == []


def test_every_command_of_the_readme_is_a_make_target() -> None:
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", (ROOT / "README.md").read_text(), re.M))
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    assert named <= targets


def test_every_file_the_documents_link_to_exists() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_room_of_the_application_is_in_the_picture() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    rooms = {path.parent.name for path in (ROOT / "app").glob("*/__init__.py")}
    assert {room for room in rooms if f"`app/{room}`" not in text} == set()


def test_the_browser_kit_is_what_its_version_says() -> None:
    """Whoever changes a byte of it gives it a new version, for the old one is kept by browsers and checked by pages."""
    kit = (ROOT / "static/sdk/max-auth.js").read_bytes()
    (version,) = re.findall(rb'VERSION = "([0-9.]+)"', kit)
    known = dict(re.findall(r"\| ([0-9.]+) \| `(sha384-[^`]+)`", (ROOT / "docs/browser-kit.md").read_text()))
    kept = {path.name: path / "max-auth.js" for path in (ROOT / "static/sdk").iterdir() if path.is_dir()}
    served = {version.decode(): kit, **{name: path.read_bytes() for name, path in kept.items()}}
    digests = {name: base64.b64encode(hashlib.sha384(each).digest()).decode() for name, each in served.items()}
    assert known == {name: f"sha384-{digest}" for name, digest in digests.items()}


def test_every_test_that_proves_a_claim_of_security_exists() -> None:
    text = (ROOT / "docs/security.md").read_text()
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", text)
    assert len(named) > 40
    for path, name in named:
        assert re.search(rf"^def {name}\(", (ROOT / "tests" / path).read_text(), re.M), f"{path}::{name}"
    threats = [line for line in text.splitlines() if line.startswith("| ")][2:]
    assert [line for line in threats if "::" not in line] == []
