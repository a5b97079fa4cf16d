"""``make demo``: the portal and the stand-ins come up together, are where they say, and end together."""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from tests.examples.application import SECONDS
from tests.servers import PROJECT_ROOT, free_port

LONG_SECONDS = 120


@contextmanager
def demo(instance: Path, port: int, *more: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """The program as make starts it, in a group of its own as a terminal would; killed if it does not end."""
    command = [sys.executable, "-m", "examples.providers.demo", "--port", str(port), "--stand-ins", "0"]
    command += ["--instance", str(instance), *more]
    environ = {**os.environ, **environment}
    with subprocess.Popen(
        command, cwd=PROJECT_ROOT, env=environ, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as program:
        try:
            yield program
        finally:
            if program.poll() is None:
                os.killpg(program.pid, signal.SIGKILL)


def told(program: subprocess.Popen[str]) -> str:
    """What it prints until it is up."""
    assert program.stdout
    lines = []
    for line in program.stdout:
        lines.append(line)
        if line.startswith("Ctrl+C"):
            return "".join(lines)
    raise AssertionError("".join(lines))


def is_taken(address: str) -> bool:
    with socket.socket() as probe:
        parts = urlsplit(address)
        return not probe.connect_ex(("127.0.0.1", parts.port or 0))


def addresses(text: str) -> list[str]:
    """Everything in a text that can be opened."""
    return [address.rstrip(".,:") for address in re.findall(r"http://[^\s]+", text)]


def run(command: str) -> requests.Response:
    """What ``curl`` would do, which is not installed everywhere."""
    words = iter(shlex.split(command)[1:])
    form, url = {}, ""
    for word in words:
        if word == "-d":
            name, _, form_value = next(words).partition("=")
            form[name] = form_value
        else:
            url = word
    return requests.request("POST" if form else "GET", url, data=form, timeout=SECONDS)


def test_everything_it_prints_answers_and_all_of_it_ends(tmp_path: Path) -> None:
    kept = tmp_path / "demo"
    kept.mkdir()
    (kept / "mark").touch()
    with demo(kept, free_port(), "--fresh") as program:
        text = told(program)
        assert not (kept / "mark").exists()
        assert len(re.findall(r"^ ?\d+  ", text, re.M)) == 10
        for address in addresses(re.sub(r"curl.*", "", text)):
            assert requests.get(address, timeout=SECONDS).status_code == 200, address
        for command in re.findall(r"curl.*", text):
            assert run(command).status_code == 200, command
        os.killpg(program.pid, signal.SIGINT)  # as a terminal does
        assert program.wait(LONG_SECONDS) == 0
        assert not any(map(is_taken, addresses(text)))
        with pytest.raises(ProcessLookupError):
            os.killpg(program.pid, 0)


def test_nothing_of_the_developers_is_touched_and_what_it_kept_is_found_again(tmp_path: Path) -> None:
    mine, kept = tmp_path / "mine.db", tmp_path / "demo"
    environment = {"DATABASE_URL": f"sqlite:///{mine}", "INSTANCE_PATH": str(tmp_path / "mine"), "REDIS_URL": "wrong"}
    with demo(kept, free_port(), **environment) as program:
        told(program)
        (kept / "mark").touch()
        program.send_signal(signal.SIGTERM)
        assert program.wait(LONG_SECONDS) == 0
    with demo(kept, free_port(), **environment) as program:
        text = told(program)
        assert (kept / "mark").exists()
        # A portal that ends ends the demo, too.
        (server,) = Path(f"/proc/{program.pid}/task/{program.pid}/children").read_text().split()
        os.kill(int(server), signal.SIGTERM)
        assert program.wait(LONG_SECONDS) == 0
        assert not any(map(is_taken, addresses(text)))
    assert not mine.exists()
    assert not (tmp_path / "mine").exists()


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        command = [sys.executable, "-m", "examples.providers.demo", "--port", str(port), "--stand-ins", "0"]
        command += ["--instance", str(tmp_path / "demo")]
        done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"port {port} already" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "demo").exists()
