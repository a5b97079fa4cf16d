"""People who come in by a provider, in a real browser: through the provider's own page and back."""

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from playwright.sync_api import Page, expect

from tests.browser.people import Person, decide, new_person
from tests.mailbox import kept_code
from tests.portal import Portal
from tests.providers import Providers

NAMES = ("google", "kakao", "naver", "discord", "acme")
GO_ON = "#page-form .btn-primary"
PROBLEMS_APART = ("cancelled", "down", "gone")
"""Problems look alike but for these: one that is calm, one that is not, and one that is over."""
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Stage:
    """A portal and the providers beside it."""

    portal: Portal
    providers: Providers

    def newcomer(self, name: str, email: str = "") -> str:
        """Have the provider tell of everybody under an id and an address that nobody has seen; answers the address."""
        number = next(_numbers)
        address = email or f"newcomer{number}@example.com"
        self.providers[name].switch("recreated", str(10**9 + number))
        self.providers[name].switch("changed_email", address)
        return address


def choose_provider(window: Page, name: str) -> None:
    """Press the provider's button of the login page that is shown or about to be."""
    window.locator(f"a.provider[href^='/auth/{name}']").click()


def agree(window: Page, person: str = "kim") -> None:
    """Choose somebody on the provider's page."""
    window.locator(f"button[name=person][value={person}]").click(no_wait_after=True)


def come_in(window: Page, name: str, person: str = "kim") -> None:
    """From the login page to the provider and back."""
    choose_provider(window, name)
    agree(window, person)


def prove_address(window: Page, portal: Portal, email: str) -> None:
    """Have a code sent to an address, and enter it."""
    expect(window).to_have_url(re.compile("/join/email"))
    window.locator("input[name=email]").fill(email)
    window.locator(GO_ON).click()
    window.locator("input[name=code]").fill(kept_code(portal, email))
    window.locator(GO_ON).click()


def join(window: Page, stage: Stage, name: str, email: str) -> None:
    """Agree to a new account, after proving the address where the provider says nothing of that."""
    if name == "naver":
        prove_address(window, stage.portal, email)
    expect(window).to_have_url(re.compile(r"/join\?"))
    expect(window.locator(".known-facts")).to_contain_text(email)
    window.locator(GO_ON).click(no_wait_after=True)


def made_account(window: Page, stage: Stage, start: str, name: str) -> str:
    """The address of an account that was made by a provider, on behalf of the application, and has allowed it."""
    email = stage.newcomer(name)
    window.goto(start)
    come_in(window, name)
    join(window, stage, name, email)
    decide(window, "allow")
    return email


def prove(window: Page, person: Person) -> None:
    """Prove by the password the account that has the address."""
    expect(window).to_have_url(re.compile("/join/prove"))
    window.locator("input[name=password]").fill(person.password)
    window.locator(GO_ON).click(no_wait_after=True)


def walk(
    window: Page, stage: Stage, start: str, email: str = "", problems: Iterable[str] = PROBLEMS_APART
) -> Iterator[str]:
    """Every step that somebody may meet who comes in by a provider, one after the other, each once in trouble too.

    ``email`` is the address that is mailed to. Each has its style sheets and has run its scripts.
    """
    for step in itertools.chain(_steps(window, stage, start, email), _problems(window, stage, problems)):
        window.wait_for_load_state("load")
        yield step


def _steps(window: Page, stage: Stage, start: str, email: str) -> Iterator[str]:
    person = new_person(stage.portal)
    window.goto(start)
    stage.newcomer("google")
    come_in(window, "google")
    yield from _with_trouble(window, "join", name="")
    window.goto(start)
    address = stage.newcomer("kakao", email)
    stage.providers.kakao.switch("no_email")
    come_in(window, "kakao")
    yield from _with_trouble(window, "email", email="nobody")
    window.locator("input[name=email]").fill(address)
    window.locator(GO_ON).click()
    yield from _with_trouble(window, "code", code="000000")
    window.goto(start)
    stage.newcomer("google", person.email)
    come_in(window, "google")
    yield from _with_trouble(window, "prove", password="not the password 7")
    prove(window, person)
    expect(window.locator("button[value=allow]")).to_be_visible()
    stage.newcomer("acme", person.email)
    window.goto(f"{start}&prompt=login")
    come_in(window, "acme")
    expect(window.locator(".pair")).to_be_attached()
    yield "agree"
    window.context.clear_cookies(name=re.compile("session"))
    window.reload()
    yield from _with_trouble(window, "prove-in-two-ways", password="not the password 7")


def _problems(window: Page, stage: Stage, reasons: Iterable[str]) -> Iterator[str]:
    for reason in reasons:
        window.goto(f"{stage.portal.url}/auth/problem?reason={reason}&provider=naver")
        yield reason


def _with_trouble(window: Page, step: str, **wrong: str) -> Iterator[str]:
    ((field, value),) = wrong.items()
    expect(window.locator(f"input[name={field}]")).to_be_visible()
    yield step
    window.locator(f"input[name={field}]").fill(value)
    window.locator(GO_ON).click()
    expect(window.locator("[role=alert]")).to_be_attached()
    yield f"{step}-refused"
