"""R22: the mail server is down, hangs or is slow. Who asks for a new password does not wait, and gets one mail."""

import re
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from app.wiring import Services
from benchmarks.faults.drill import Row, Run
from benchmarks.faults.stand import Stand, on_postgresql, on_sqlite
from benchmarks.faults.wire import LOST
from tests.flows.live_client import LiveClient, by_services, rows
from tests.mail.conftest import smtp_settings
from tests.mail.smtp_server import SmtpServer
from tests.relying_party import PASSWORD

PEOPLE = 24
ANSWER_SECONDS = 3.0
"""Much less than a step of a delivery may take, and enough for a machine that is busy with other things."""
TIMEOUT_SECONDS = "10"
DELIVERED_SECONDS = 90.0
MOST_ATTEMPTS = 4
CSRF = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
WAITING = (
    "SELECT max(d.attempts) AS most, count(*) AS count FROM deliveries d JOIN users u ON u.id = d.user_id"
    " WHERE d.done_at IS NULL AND d.kind = 'mail' AND u.email LIKE 'forgetful%'"
)


def down(run: Run) -> None:
    """Nobody listens, and the portal is started anew meanwhile."""
    _ask_for_links(run)
    time.sleep(run.seconds(15, 60))
    _was_bounded(run)
    run.stand.portal.stop()
    run.stand.portal.start()
    _all_arrive(run, SmtpServer(port=_port(run)))


def hanging(run: Run) -> None:
    """Connections are accepted by the system, and nobody reads them."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", _port(run)))
        door.listen(512)
        _ask_for_links(run)
        time.sleep(run.seconds(15, 60))
    _was_bounded(run)
    _all_arrive(run, SmtpServer(port=_port(run)))


def slow(run: Run) -> None:
    """Each mail is thought about for a while before it is taken."""
    server = SmtpServer(port=_port(run), seconds=run.seconds(2, 8))
    server.start()
    _ask_for_links(run)
    _all_arrive(run, server)


@contextmanager
def _sending(on: Callable[..., AbstractContextManager[Stand]]) -> Iterator[Stand]:
    with on(**smtp_settings(SmtpServer(), MAIL_TIMEOUT=TIMEOUT_SECONDS)) as stand:
        yield stand


def _port(run: Run) -> int:
    return int(run.stand.portal.environment["MAIL_PORT"])


def _ask_for_links(run: Run) -> None:
    """Everybody forgets the password."""

    def register(services: Services) -> None:
        for number in range(PEOPLE):
            services.accounts.create(_email(number), PASSWORD, name="Ada", is_verified=True)
            services.db.commit()  # else SQLite is locked for as long as all their passwords take

    by_services(run.stand.portal, register)
    slowest = max(_ask_for_link(run, _email(number)) for number in range(PEOPLE))
    run.facts.append(f"{PEOPLE} people asked for a link and were answered in {slowest:.2f} s at most")
    run.has_bitten = True


def _ask_for_link(run: Run, email: str) -> float:
    browser = LiveClient(run.stand.portal, "nobody")
    token = CSRF.search(browser.browse("GET", "/forgot-password").text)
    form = {"csrf_token": token[1] if token else "", "email": email}
    began = time.monotonic()
    answer = browser.browse("POST", "/forgot-password", data=form)
    seconds = time.monotonic() - began
    if answer.status_code != 303 or seconds > ANSWER_SECONDS:
        run.problems.append(f"forgotten password: {answer.status_code} in {seconds:.2f} s")
    return seconds


def _email(number: int) -> str:
    return f"forgetful{number}@example.com"


def _was_bounded(run: Run) -> None:
    """Everything waits, and nothing was tried without bound."""
    found = rows(run.stand.portal, WAITING)[0]
    if found["count"] != PEOPLE or found["most"] > MOST_ATTEMPTS:
        run.problems.append(f"{found['count']} mails wait, {found['most']} attempts at most")


def _all_arrive(run: Run, server: SmtpServer) -> None:
    """Everybody gets one mail once the server is well."""
    began = time.monotonic()
    if not server.is_running:
        server.start()
    try:
        run.stand.portal.flask("mail", "retry")
        while len(_received(server)) < PEOPLE and time.monotonic() < began + DELIVERED_SECONDS:
            time.sleep(0.1)
        run.facts.append(f"all delivered {time.monotonic() - began:.0f} s later")
        time.sleep(6)  # another round of every process
    finally:
        server.stop()
    got = _received(server)
    if len(got) != PEOPLE or max(got.values()) > 1:
        run.problems.append(f"{len(got)} people got a mail, {max(got.values(), default=0)} at most")


def _received(server: SmtpServer) -> Counter[str]:
    """How many mails each of those people has; others get mails about their new accounts."""
    return Counter(mail.recipients[0] for mail in server.arrived if mail.recipients[0].startswith("forgetful"))


ROWS = (
    Row(
        "R22 down", "mail server down, portal restarted", lambda: _sending(on_sqlite), down, frozenset({LOST}), people=4
    ),
    Row("R22 hang", "mail server accepts and never answers", lambda: _sending(on_postgresql), hanging, people=4),
    Row("R22 slow", "mail server takes seconds for each mail", lambda: _sending(on_postgresql), slow, people=4),
)
