"""People at the portal's pages in a real browser: what they type and press."""

import itertools
from dataclasses import dataclass
from urllib.parse import urlencode

from playwright.sync_api import Page, expect

from tests.portal import Portal
from tests.relying_party import CHALLENGE

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Person:
    """Someone with an account, who has consented to nothing yet."""

    email: str
    name: str = "김민수"
    password: str = "blue-otter-9041-lamp"


def new_person(portal: Portal) -> Person:
    """A person nobody has seen before."""
    person = Person(f"person{next(_numbers)}@example.com")
    portal.flask("users", "create", person.email, "--password", person.password, "--name", person.name, "--verified")
    return person


def sent_by(portal: Portal, client_id: str, scope: str = "openid email") -> str:
    """Where a new application sends browsers to; people arrive at a path of the portal, so that it exists."""
    redirect_uri = f"{portal.url}/arrived"
    named = ("--name", client_id.title(), "--redirect-uri", redirect_uri, "--scope", scope)
    portal.flask("clients", "create", client_id, *named)
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": scope,
        "state": "s",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return f"{portal.url}/api/oauth/authorize?{urlencode(query)}"


def log_in(window: Page, person: Person) -> None:
    """Fill in the login page that ``window`` shows or is about to show."""
    window.locator("input[name=email]").fill(person.email)
    window.locator("input[name=password]").fill(person.password)
    # The window may close itself in answer, so nothing is awaited.
    window.locator("form[data-once] button:not([type=button])").click(no_wait_after=True)


def decide(window: Page, decision: str) -> None:
    """Answer the consent page: ``allow`` or ``deny``."""
    window.locator(f"button[name=decision][value={decision}]").click(no_wait_after=True)


def opened_by(page: Page, button: str) -> Page:
    """The window that pressing ``button`` of ``page`` opens, showing a page of the portal."""
    with page.context.expect_page() as opening:
        page.locator(button).click()
    expect(opening.value.locator("h1")).to_be_visible()
    return opening.value


def wait_until_closed(window: Page) -> None:
    """Until the window has closed itself."""
    if not window.is_closed():
        window.wait_for_event("close")
