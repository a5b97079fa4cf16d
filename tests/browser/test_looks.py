"""How pages look: pictures of the gallery of parts and of every page beside those that were kept.

A look is changed on purpose: ``pytest tests/browser/test_looks.py --keep-looks`` keeps the pages as they are now. What
is compared is what an eye sees at a glance: small differences of letters and edges between releases of Chromium pass.
"""

import re
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from urllib.parse import urlencode

import pytest
from PIL import Image, ImageChops
from playwright.sync_api import Page

from app import create_app
from app.settings import Settings
from tests.browser.accessibility import hold_accessibility
from tests.browser.people import Person, decide, log_in, sent_by
from tests.browser.travelling import Stage, walk
from tests.chromium import Windows
from tests.databases import SqliteDatabases, running_portal
from tests.portal import Portal, close
from tests.providers import NOBODY_THERE
from tests.relying_party import CHALLENGE, link_identity

KEPT = Path(__file__).parent / "looks"
CLIENT_ID = "board"
SCALE = 4
"""A picture is compared at a quarter of its size, at which letters are grey."""
VISIBLE = 40
"""So many steps of 255 two quarters differ by where they do not look the same."""
MOST = 0.01
"""So much of a picture may look otherwise."""
SIZES = {"desk": (1280, 800), "popup": (500, 600), "phone": (360, 740)}
VARIANTS = [("desk", "ko-KR", "light"), ("popup", "en-US", "dark"), ("phone", "ko-KR", "light")]
PASSED = ["time", "code", ".asking small", ".request-id", ".event-when", ".facts dd", "pre", ".device-text small"]
"""What is another each time: times, ids, ports."""
FOLDED = "details:not([open]) > :not(summary), details:not([open]) > :not(summary) *"
"""Has boxes in Chromium, though it is not seen."""
PEOPLE = {
    size: (Person(f"ada.{size}@example.com", "Ada Lovelace"), Person(f"minsu.{size}@example.com", "김민수"))
    for size in SIZES
}
"""Each variant has people of its own: their devices and activities are the same whichever comes first."""

CHOOSE = "/select-account"
LINKED: list[tuple[str, dict[str, str]]] = [
    ("kakao", {"name": "라이언"}),
    ("kakao", {"email": "minsu@kakao.example", "name": "김민수"}),
    ("old-co", {"email": "minsu@old.example"}),
]
ANYBODY = {
    "home": "/",
    "login": "/login",
    "register": "/register",
    "forgot": "/forgot-password",
    "forgot-sent": "/forgot-password?sent=1",
    "logged-out": "/logged-out",
    "developers": "/developers",
    "terms": "/terms",
    "privacy": "/privacy",
    "link-gone": "/reset-password?token=x",
    "not-found": "/nothing-here",
}
IN_THE_FLOW = {"asking": {}, "consent": {"prompt": "consent"}, "unknown-client": {"client_id": "nobody"}}
OF_ONES_OWN = {
    "start": "/",
    "choose": "/select-account",
    "logout": "/logout",
    "account": "/account",
    "profile": "/account/profile",
    "security": "/account/security",
    "password": "/account/security/password",
    "email": "/account/security/email",
    "sessions": "/account/sessions",
    "apps": "/account/apps",
    "plan": "/account/plan",
    "activity": "/account/activity",
    "data": "/account/data",
    "delete": "/account/data/delete",
}


@pytest.fixture(scope="module")
def portal_with_providers(sqlite_databases: SqliteDatabases) -> Iterator[Portal]:
    """A portal people can come in to by four providers and one more, with somebody who does."""
    with running_portal(sqlite_databases, **NOBODY_THERE) as portal:
        yield portal


@pytest.fixture(scope="module")
def linked(portal_with_providers: Portal) -> dict[str, Person]:
    """Each variant has somebody of its own: linked with two accounts at Kakao and one at a provider that is gone."""
    people = {size: Person(f"minsu.{size}@example.com", "김민수") for size in SIZES}
    for person in people.values():
        named = ("--password", person.password, "--name", person.name, "--verified")
        portal_with_providers.flask("users", "create", person.email, *named)
    app = create_app(Settings.from_environment(portal_with_providers.environment))
    for size, person in people.items():
        with app.app_context():
            user_id = app.extensions["services"].accounts.find(person.email).id
        for number, (provider, said) in enumerate(LINKED):
            link_identity(app, user_id, provider, f"{size}-{number}", **said)
    close(app)
    return people


@pytest.fixture(scope="module")
def asking(live_portal: Portal) -> dict[str, str]:
    """The pages an application's request leads to, and two people with accounts."""
    redirect_uri, scope = f"{live_portal.url}/arrived", "openid profile email offline_access read:groups"
    named = ("--name", "Board of Ideas", "--redirect-uri", redirect_uri, "--scope", scope)
    live_portal.flask("clients", "create", CLIENT_ID, *named)
    for person in (person for both in PEOPLE.values() for person in both):
        live_portal.flask(
            "users", "create", person.email, "--password", person.password, "--name", person.name, "--verified"
        )
    query = {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": redirect_uri,
        "scope": scope,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return {name: f"/api/oauth/authorize?{urlencode({**query, **change})}" for name, change in IN_THE_FLOW.items()}


@pytest.fixture(params=VARIANTS, ids="-".join)
def window(request: pytest.FixtureRequest, windows: Windows, live_portal: Portal) -> Page:
    """A window of one size, language and theme."""
    size, language, theme = request.param
    width, height = SIZES[size]
    for status in (400, 404, 410):
        windows.expect(f"status of {status}")
    return windows.open(
        base_url=live_portal.url, locale=language, color_scheme=theme, viewport={"width": width, "height": height}
    )


@pytest.fixture
def hold_look(request: pytest.FixtureRequest, window: Page, tmp_path: Path) -> Callable[[str], None]:
    """Holds that the window looks as the picture that was kept under a name, or keeps it."""
    keeps = request.config.getoption("keep_looks")
    return lambda name: compare(window, name, tmp_path, keeps=keeps)


def compare(window: Page, name: str, directory: Path, *, keeps: bool) -> None:
    """Fail where the window looks otherwise; both pictures are then in ``directory``."""
    size = size_of(window)
    passed = [window.locator(f"{selector}:not({FOLDED})") for selector in PASSED]
    shot = window.screenshot(full_page=size != "popup", mask=passed, animations="disabled", caret="hide")
    path = KEPT / size / f"{name}.webp"
    seen = small(Image.open(BytesIO(shot)))
    if keeps:
        path.parent.mkdir(parents=True, exist_ok=True)
        seen.save(path, lossless=True)
        return
    kept = Image.open(path).convert("RGB")
    share = difference(kept, seen)
    if share > MOST:
        beside = directory / f"{size}-{name}.png"
        both = Image.new("RGB", (kept.width + seen.width + 8, max(kept.height, seen.height)), "magenta")
        both.paste(kept, (0, 0))
        both.paste(seen, (kept.width + 8, 0))
        both.save(beside)
        pytest.fail(f"{name} ({size}) looks otherwise by {share:.1%}: {beside} shows what was kept and what is")


def size_of(window: Page) -> str:
    """What the size of a window is called."""
    assert window.viewport_size
    return next(size for size, (width, _) in SIZES.items() if width == window.viewport_size["width"])


def small(picture: Image.Image) -> Image.Image:
    """A picture at the size at which it is compared."""
    return picture.convert("RGB").resize((picture.width // SCALE, picture.height // SCALE), Image.Resampling.BOX)


def difference(kept: Image.Image, seen: Image.Image) -> float:
    """Which share of the larger of both looks otherwise, 0 to 1."""
    ground = (max(kept.width, seen.width), max(kept.height, seen.height))
    both = []
    for picture in (kept, seen):
        whole = Image.new("RGB", ground, "magenta")
        whole.paste(picture, (0, 0))
        both.append(whole)
    steps = ImageChops.difference(*both).convert("L").point(lambda step: 255 if step > VISIBLE else 0)
    return steps.histogram()[255] / (ground[0] * ground[1])


def enter(window: Page, person: Person) -> None:
    window.goto("/login?switch=1")
    log_in(window, person)
    window.wait_for_url(re.compile("/$"))


def test_pages_for_anybody_look_as_they_were_meant_to(
    window: Page, asking: dict[str, str], hold_look: Callable[[str], None]
) -> None:
    for name, path in {**ANYBODY, "asking": asking["asking"], "unknown-client": asking["unknown-client"]}.items():
        window.goto(path)
        hold_look(name)


def test_pages_of_ones_own_look_as_they_were_meant_to(
    window: Page, asking: dict[str, str], hold_look: Callable[[str], None]
) -> None:
    for person in PEOPLE[size_of(window)]:
        enter(window, person)
    window.goto(asking["consent"])
    hold_look("consent")
    decide(window, "allow")
    window.wait_for_url(re.compile("/arrived"))
    for name, path in OF_ONES_OWN.items():
        window.goto(path)
        hold_look(name)


def test_pages_with_providers_look_as_they_were_meant_to(
    window: Page, portal_with_providers: Portal, linked: dict[str, Person], hold_look: Callable[[str], None]
) -> None:
    url = portal_with_providers.url
    window.context.add_cookies([{"name": "last_provider", "value": "kakao", "url": url}])
    for name in ("login", "register"):
        window.goto(f"{url}/{name}")
        hold_look(f"providers-{name}")
    window.goto(f"{url}/login")
    log_in(window, linked[size_of(window)])
    window.wait_for_url(re.compile("/$"))
    for name, path in {"identities": "/account/identities", "security": "/account/security", "choose": CHOOSE}.items():
        window.goto(url + path)
        hold_look(f"providers-{name}")


def test_steps_of_coming_in_by_a_provider_look_as_they_were_meant_to(
    windows: Windows, window: Page, stage: Stage, hold_look: Callable[[str], None]
) -> None:
    for status in (401, 502):
        windows.expect(f"status of {status}")
    size = size_of(window)
    start = sent_by(stage.portal, f"board-of-{size}")
    for step in walk(window, stage, f"{start}&display=popup" if size == "popup" else start):
        hold_look(f"coming-in-{step}")


def test_parts_look_as_they_were_meant_to(window: Page, hold_look: Callable[[str], None]) -> None:
    window.goto("/dev/parts")
    hold_look("parts")
    hold_accessibility(window, "parts")


@pytest.mark.parametrize(
    ("box", "colour"), [((0, 0, 60, 40), "white"), ((0, 0, 200, 8), "black"), ((90, 40, 200, 100), "red")]
)
def test_another_look_is_seen(box: tuple[int, int, int, int], colour: str) -> None:
    kept = Image.new("RGB", (200, 150), "#777")
    seen = kept.copy()
    seen.paste(Image.new("RGB", (box[2] - box[0], box[3] - box[1]), colour), box)
    assert difference(kept, kept) == 0
    assert difference(kept, seen) > MOST
    assert difference(kept, kept.crop((0, 0, 200, 140))) > MOST
