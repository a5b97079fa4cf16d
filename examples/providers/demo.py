"""``make demo``: the portal beside the stand-ins, with a few accounts and a list of what to try.

The portal gets an environment and an instance directory of its own, so that nothing a developer has set or kept is
touched. Both end together, whichever ends first.
"""

import argparse
import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import FrameType
from typing import NoReturn

from examples.providers.browser import fetch
from examples.providers.providers import Providers
from examples.providers.web import LOOPBACK

ROOT = Path(__file__).resolve().parent.parent.parent
INSTANCE = ROOT / "instance" / "demo"
BIN = Path(sys.executable).parent
INHERITED = {"PATH", "HOME", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "TMPDIR"}
PASSWORD = "maple-river-lantern"  # noqa: S105
ACCOUNTS = {"kim.minsu@example.com": "김민수", "park.jihun@example.com": "박지훈"}
ADMINISTRATOR = "admin@example.com"
START_SECONDS, STOP_SECONDS = 120, 30

WHAT_TO_TRY = """
MAX Platform demo: {portal}   the stand-ins and what can go wrong there: {control}
Accounts that are there, each with the password {password}: {accounts}

 1  With Kakao as 이서연 (Seoyeon Lee), at {portal}/login: a new account, said before it is made.
 2  With Google as 김민수 (Minsu Kim): his account has that verified e-mail, so he proves it by its password, once.
 3  With Discord as 박지훈 (Jihun Park): an e-mail that was never verified leads to no account, not even his own.
 4  With Naver as 최유진 (Yujin Choi): no e-mail comes along; the one she types gets a code, at {portal}/dev/mail
 5  Do it in a popup, from an application: {portal}/playground
 6  Link and unlink providers: {portal}/account/identities
 7  Let Kakao hang, and log in:  curl -d provider=kakao -d name=hang -d value=on {control}/switch
 8  Let it go on:                curl -d provider=kakao {control}/reset
 9  End a link at Kakao instead: curl -d person=lee {control}/unlink
10  See what the portal asked:   curl {control}/requests

Ctrl+C ends all of it. Data and log stay in {instance} (make demo ARGS=--fresh begins anew).
"""


class Unable(Exception):
    """The demo cannot be shown; says why."""


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT") or 8000), help="of the portal")
    parser.add_argument("--stand-ins", type=int, default=8100, help="first port of the stand-ins; 0: free ones")
    parser.add_argument("--instance", type=Path, default=INSTANCE, help="directory of the portal's data")
    parser.add_argument("--fresh", action="store_true", help="forget what an earlier demo kept")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        _show(options.port, options.stand_ins, options.instance, is_fresh=options.fresh)
    except KeyboardInterrupt:
        print()
    except Unable as unable:
        sys.exit(str(unable))


def _show(port: int, stand_ins: int, instance: Path, *, is_fresh: bool) -> None:
    portal = f"http://localhost:{port}"
    ports = itertools.count(stand_ins) if stand_ins else itertools.repeat(0)
    providers = Providers(portal, lambda: next(ports))
    _check([port, *(site.port for site in providers.sites if site.port)])
    if is_fresh:
        shutil.rmtree(instance, ignore_errors=True)
    with providers:
        environment = _environment(port, instance, providers.environment)
        print("Preparing the portal of the demo", flush=True)
        _prepare(environment, instance / "accounts")
        log = instance / "portal.log"
        with log.open("wb") as errors:
            command = [str(BIN / "gunicorn"), "-c", "gunicorn.conf.py", "wsgi:app"]
            server = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=errors)
        try:
            _await(server, portal, log)
            print(_text(portal, providers.control.url, instance), flush=True)
            if server.wait():
                raise Unable("The portal ended.")
        finally:
            _end(server)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _check(ports: list[int]) -> None:
    """:raises Unable: if somebody else listens at one of the ports."""
    taken = []
    for port in ports:
        with socket.socket() as probe:
            if not probe.connect_ex((LOOPBACK, port)):
                taken.append(str(port))
    if taken:
        advice = 'make demo ARGS="--port 9000 --stand-ins 9100" takes others.'
        raise Unable(f"Something listens at port {', '.join(taken)} already. {advice}")


def _environment(port: int, instance: Path, providers: dict[str, str]) -> dict[str, str]:
    """Of the portal: nothing of the developer's own reaches it."""
    return {
        **{name: value for name, value in os.environ.items() if name in INHERITED},
        "APP_ENV": "development",
        "PORT": str(port),
        "INSTANCE_PATH": str(instance),
        "ADMIN_EMAIL": ADMINISTRATOR,
        "ADMIN_PASSWORD": PASSWORD,
        "LOG_LEVEL": "WARNING",
        **providers,
    }


def _prepare(environment: dict[str, str], made: Path) -> None:
    """A database that is up to date, and the accounts; the file ``made`` says that they are there."""
    _flask(environment, "db", "upgrade")
    _flask(environment, "seed")
    if made.exists():
        return
    there = _flask(environment, "users", "list", "--json")
    with ThreadPoolExecutor() as threads:
        list(threads.map(partial(_create, environment), [email for email in ACCOUNTS if email not in there]))
    made.touch()


def _create(environment: dict[str, str], email: str) -> None:
    _flask(environment, "users", "create", email, "--name", ACCOUNTS[email], "--password", PASSWORD, "--verified")


def _flask(environment: dict[str, str], *arguments: str) -> str:
    command = [str(BIN / "flask"), "--app", "wsgi", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unable(f"flask {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def _await(server: subprocess.Popen[bytes], portal: str, log: Path) -> None:
    """Wait until the portal answers."""
    end = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < end:
        try:
            if fetch("GET", f"{portal}/health", {})[0] == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise Unable(f"The portal did not start.\n{log.read_text()}")


def _end(server: subprocess.Popen[bytes]) -> None:
    """End the portal at once; whoever pressed Ctrl+C has told it too."""
    if server.poll() is None:
        server.send_signal(signal.SIGINT)
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _text(portal: str, control: str, instance: Path) -> str:
    shown = instance.relative_to(ROOT) if instance.is_relative_to(ROOT) else instance
    accounts = ", ".join([*ACCOUNTS, ADMINISTRATOR])
    return WHAT_TO_TRY.format(portal=portal, control=control, password=PASSWORD, accounts=accounts, instance=shown)


if __name__ == "__main__":
    main()
