"""A real Chromium, watched: a page that logs an error, throws or violates its security policy fails the test.

Where it is installed, it is the one made to run without a window, as Playwright would choose as well: the same pages
in the same engine, without the browser around them, for half the work of a window and of each page it goes to.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, expect

from tests.servers import PROJECT_ROOT, ProgramMissing

FONTS = PROJECT_ROOT / "tests/fonts"
DEBIANS = "/usr/lib/chromium"
"""Where the programs themselves are: the commands of those names add what the machine's administrator likes."""
WINDOWLESS = "chromium-headless-shell"
WITHOUT = [
    # The drop-downs of the address bar, two pages for each window, took a third of all the time.
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    # The portal is asked as each address says, by http too.
    "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable",
    # What Playwright leaves out, for its own work and for quiet, and this list takes the place of.
    "AvoidCorsURLLoaderRestartOnRedirect",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "PaintHolding",
    "LensOverlay",
    "MediaRouter",
    "AimEnabled",
    "OptimizationHints",
    "NetworkTimeServiceQuerying",
    "PreconnectToSearch",
]
ARGUMENTS = [
    # Chromium refuses its sandbox to root; everything it shows here is ours.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    # Nothing but the portal is to be reached.
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={','.join(WITHOUT)}",
]


PATIENCE_MS = 30_000
"""How long a page may take for what it must show: nothing that is there in time waits for it."""
expect.set_options(timeout=PATIENCE_MS)


class Windows:
    """Opens browser contexts (each a browser of its own: cookies, storage, cache) and collects what went wrong in them.

    A test that provokes an error says so beforehand: ``windows.expect("status of 400")``.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self._expected: list[str] = []
        self._problems: list[str] = []

    def open(self, **options: Any) -> Page:
        """A page in a new context; ``options`` are Playwright's (``locale``, ``viewport``, ``color_scheme`` …)."""
        context = self._browser.new_context(**options)
        context.set_default_timeout(PATIENCE_MS)
        # Of the context, so that popups and frames are watched too.
        context.on("console", self._note_message)
        context.on("weberror", lambda error: self._problems.append(f"thrown: {error.error}"))
        self._contexts.append(context)
        return context.new_page()

    def expect(self, text: str) -> None:
        """Let console errors pass that contain ``text``."""
        self._expected.append(text)

    @property
    def problems(self) -> list[str]:
        """What went wrong unexpectedly so far."""
        return [problem for problem in self._problems if not any(text in problem for text in self._expected)]

    def close(self) -> None:
        """Close every window."""
        for context in self._contexts:
            context.close()

    def _note_message(self, message: ConsoleMessage) -> None:
        # Violations of the content security policy arrive as errors; those only reported, as warnings.
        if message.type == "error" or "Content Security Policy" in message.text:
            self._problems.append(f"{message.text} ({message.location.get('url', '')})")


@contextmanager
def launched(playwright: Playwright, fonts: str = "wide") -> Iterator[Browser]:
    """The installed Chromium, without a window, with one of the sets of faces in ``tests/fonts`` and no other."""
    path = shutil.which(WINDOWLESS, path=DEBIANS) or _program()
    with TemporaryDirectory(prefix="portal-tests-") as home:
        try:
            browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS, env=_environment(home, fonts))
        except Exception as error:
            if path is None:
                raise ProgramMissing("Chromium is not installed; run make test, which installs it.") from error
            raise
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def launched_without_cookies(
    playwright: Playwright, directory: Path, locale: str = "en-US"
) -> Iterator[BrowserContext]:
    """A Chromium with its profile in ``directory``, whose owner allows no site any cookie, and with them no storage.

    The whole program: what its owner allows is nothing that the one without windows knows.
    """
    (directory / "Default").mkdir()
    wanted = {"profile": {"default_content_setting_values": {"cookies": 2}}}
    (directory / "Default/Preferences").write_text(json.dumps(wanted))
    context = playwright.chromium.launch_persistent_context(
        directory, executable_path=_program(), args=ARGUMENTS, locale=locale, env=_environment(str(directory), "wide")
    )
    try:
        yield context
    finally:
        context.close()


def _program() -> str | None:
    return shutil.which("chromium", path=DEBIANS) or shutil.which("chromium") or shutil.which("google-chrome")


def _environment(home: str, fonts: str) -> dict[str, str | float | bool]:
    """All that Chromium learns of the machine: faces, language, time zone, proxy and settings are ours everywhere."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": home,
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "FONTCONFIG_FILE": str(FONTS / f"{fonts}.conf"),
    }
