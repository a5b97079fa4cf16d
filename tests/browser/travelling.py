"""People who come in by a provider, in a real browser: through the provider's own page and back."""

import itertools
import re
from dataclasses import dataclass

from playwright.sync_api import Page, expect

from tests.browser.people import Person, decide
from tests.mailbox import kept_code
from tests.portal import Portal
from tests.providers import Providers

NAMES = ("google", "kakao", "naver", "discord", "acme")
GO_ON = "#page-form .btn-primary"
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
