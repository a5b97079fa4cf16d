"""A portal under gunicorn and a mail server in every mood: requests wait for neither, and no mail is lost."""

import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests
import sqlalchemy as sa

from tests.databases import running_portal
from tests.mail.conftest import smtp_settings
from tests.mail.smtp_server import SmtpServer
from tests.portal import Portal, WarmPortal
from tests.server.test_background import until
from tests.servers import unrestricted_engine

EMAIL = "admin@example.com"
MakePortal = Callable[..., Portal]


@pytest.fixture
def make_portal(request: pytest.FixtureRequest, mail_server: SmtpServer) -> Iterator[MakePortal]:
    """Starts a portal that sends to ``mail_server``."""
    with ExitStack() as stack:

        def make(engine: str = "sqlite") -> Portal:
            databases = request.getfixturevalue(f"{engine}_databases")
            return stack.enter_context(running_portal(databases, **smtp_settings(mail_server)))

        yield make


def twin(portal: Portal) -> Portal:
    """Another portal on the same database, as on another host."""
    mail = {name: value for name, value in portal.environment.items() if name.startswith("MAIL_")}
    return WarmPortal(portal.instance, portal.environment["DATABASE_URL"], **mail)


def ask_for_link(portal: Portal, language: str = "en") -> None:
    """Ask for a new password, as a person does."""
    with requests.Session() as browser:
        browser.headers["Accept-Language"] = language
        page = browser.get(f"{portal.url}/forgot-password", timeout=30)
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
        assert token, page.text
        form = {"csrf_token": token[1], "email": EMAIL}
        answer = browser.post(f"{portal.url}/forgot-password", data=form, timeout=30, allow_redirects=False)
        assert answer.status_code == 303


def mails(portal: Portal) -> list[tuple[bool, bool, str]]:
    """Whether each mail arrived, whether it was given up, and why it failed last."""
    return [
        (row.done_at is not None, row.given_up_at is not None, row.error)
        for row in stored(portal, "SELECT done_at, given_up_at, error FROM deliveries WHERE kind = 'mail'")
    ]


def stored(portal: Portal, statement: str) -> list[Any]:
    engine = unrestricted_engine(portal.environment["DATABASE_URL"])
    try:
        with engine.begin() as connection:
            result = connection.execute(sa.text(statement))
            return list(result) if result.returns_rows else []
    finally:
        engine.dispose()


def let_claims_run_out(portal: Portal) -> None:
    """Five minutes pass."""
    stored(portal, "UPDATE deliveries SET next_attempt_at = created_at WHERE done_at IS NULL AND given_up_at IS NULL")


def assert_log_is_silent(portal: Portal, mail_server: SmtpServer) -> None:
    """Neither whom it wrote to nor what with went into the log."""
    log = portal.log.read_text()
    assert EMAIL not in log
    assert "Traceback" not in log
    for mail in mail_server.arrived:
        for token in re.findall(r"token=([\w-]+)", mail.part("plain")):
            assert token not in log


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_what_two_portals_queue_arrives_once(make_portal: MakePortal, mail_server: SmtpServer, engine: str) -> None:
    first = make_portal(engine)
    second = twin(first)
    second.start()
    try:
        for _ in range(6):
            ask_for_link(first, "en")
            ask_for_link(second, "ko")
        assert until(lambda: len(mail_server.arrived) == 12)
        assert until(lambda: mails(first) == [(True, False, "")] * 12)
        time.sleep(6)  # another round of every process
    finally:
        second.stop()
    assert len(mail_server.arrived) == 12
    assert len({mail.message["Message-ID"] for mail in mail_server.arrived}) == 12
    subjects = sorted(mail.message["Subject"] for mail in mail_server.arrived)
    assert subjects == ["Choose a new password"] * 6 + ["새 비밀번호 설정"] * 6
    assert_log_is_silent(first, mail_server)


def test_a_server_that_is_down_delays_mails_and_nothing_else(make_portal: MakePortal, mail_server: SmtpServer) -> None:
    portal = make_portal()
    mail_server.stop()
    ask_for_link(portal)
    assert until(lambda: mails(portal) == [(False, False, "no_connection")])
    mail_server.start()
    assert until(lambda: len(mail_server.arrived) == 1)
    assert until(lambda: mails(portal) == [(True, False, "")])
    assert_log_is_silent(portal, mail_server)


def test_a_recipient_who_does_not_exist_is_given_up(make_portal: MakePortal, mail_server: SmtpServer) -> None:
    mail_server.answers["RCPT"] = f"550 5.1.1 <{EMAIL}> is unknown"
    portal = make_portal()
    ask_for_link(portal)
    assert until(lambda: mails(portal) == [(False, True, "recipient_refused")])
    assert mail_server.asked == ["MAIL", "RCPT"]
    assert "delivery_given_up" in portal.log.read_text()
    assert_log_is_silent(portal, mail_server)


def test_nobody_waits_for_a_server_that_hangs(make_portal: MakePortal, mail_server: SmtpServer) -> None:
    mail_server.gate = threading.Event()
    portal = make_portal()
    # More than may be under way at one time in all processes. The server answers none before all requests were.
    for _ in range(8):
        ask_for_link(portal)
    assert until(lambda: mail_server.asked.count("DATA") == 4)
    for _ in range(4):
        ask_for_link(portal)
    assert until(lambda: len(mails(portal)) == 12)
    assert set(mails(portal)) == {(False, False, "")}, "one was waited for until it was given up"
    mail_server.gate.set()
    assert until(lambda: mails(portal) == [(True, False, "")] * 12)
    assert len(mail_server.arrived) == 12


def test_a_restart_between_queueing_and_sending_loses_nothing(make_portal: MakePortal, mail_server: SmtpServer) -> None:
    portal = make_portal()
    mail_server.stop()
    for _ in range(3):
        ask_for_link(portal)
    assert until(lambda: mails(portal) == [(False, False, "no_connection")] * 3)
    portal.stop()
    mail_server.start()
    portal.start()
    assert until(lambda: len(mail_server.arrived) == 3)
    assert until(lambda: mails(portal) == [(True, False, "")] * 3)
    assert len({mail.message["Message-ID"] for mail in mail_server.arrived}) == 3


def test_what_is_under_way_when_the_portal_stops_arrives_once(make_portal: MakePortal, mail_server: SmtpServer) -> None:
    mail_server.gate = threading.Event()
    portal = make_portal()
    ask_for_link(portal)
    assert until(lambda: "DATA" in mail_server.asked)
    threading.Timer(1.0, mail_server.gate.set).start()
    portal.stop()
    portal.start()
    let_claims_run_out(portal)
    time.sleep(6)
    assert len(mail_server.arrived) == 1
    assert mails(portal) == [(True, False, "")]


def test_a_portal_that_is_killed_delivers_under_the_same_identity(
    make_portal: MakePortal, mail_server: SmtpServer
) -> None:
    mail_server.gate = threading.Event()
    portal = make_portal()
    ask_for_link(portal)
    assert until(lambda: "DATA" in mail_server.asked)
    processes = (portal.pid, *portal.workers)
    for process in processes:
        os.kill(process, signal.SIGKILL)
    mail_server.gate.set()
    portal.stop()
    # Until the last one is gone, its socket keeps the port.
    assert until(lambda: not any(Path(f"/proc/{process}").exists() for process in processes))
    assert mails(portal) == [(False, False, "")]
    portal.start()
    let_claims_run_out(portal)
    assert until(lambda: mails(portal) == [(True, False, "")])
    first, second = mail_server.arrived
    assert first.message["Message-ID"] == second.message["Message-ID"]
    assert first.part("plain") == second.part("plain")
    assert_log_is_silent(portal, mail_server)
