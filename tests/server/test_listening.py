"""Where nobody can listen, the portal ends at once with one line, and nobody shares what another one serves."""

import os
import socket
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from app.server import listening
from tests.portal import WarmPortal
from tests.servers import PROJECT_ROOT, free_port
from tests.warm import Command


def refusal(instance: Path, **changes: str) -> str:
    """The one line with which the portal does not start."""
    keys = {"SECRET_KEY": "k" * 40, "ENCRYPTION_KEYS": Fernet.generate_key().decode()}
    environment = {"PATH": os.environ["PATH"], "INSTANCE_PATH": str(instance), **keys, **changes}
    done = Command(["gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"], environment, PROJECT_ROOT).completed()
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line


@pytest.mark.parametrize("environment", ["development", "production"])
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_port_that_another_program_would_share_is_taken(tmp_path: Path, environment: str, host: str) -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as taken:
        port = str(taken.getsockname()[1])
        line = refusal(tmp_path, APP_ENV=environment, HOST=host, PORT=port)
    assert line == f"Cannot listen on port {port}: Address already in use. {listening.ADVICE}"


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid", "2001:db8::1"])
def test_an_address_that_is_none_of_ours_is_named(tmp_path: Path, host: str) -> None:
    line = refusal(tmp_path, APP_ENV="production", HOST=host, PORT="12345")
    assert line.startswith(f"Cannot listen on port 12345 of {host}: ")


def test_a_second_portal_finds_the_port_taken(tmp_path: Path) -> None:
    first = WarmPortal(tmp_path)
    first.start()
    try:
        line = refusal(tmp_path, PORT=str(first.port))
        assert line.startswith(f"Cannot listen on port {first.port}: ")
        assert first._answers()
    finally:
        first.stop()


def test_a_second_portal_finds_the_socket_taken(tmp_path: Path) -> None:
    path = tmp_path / "portal.sock"
    # gunicorn listens at whatever its own options say; the second portal is told by the setting.
    options = f"--bind unix:{path} --bind 127.0.0.1:{free_port()}"
    first = WarmPortal(tmp_path, GUNICORN_CMD_ARGS=options)
    first.port = int(options.rpartition(":")[2])
    first.url = f"http://localhost:{first.port}"
    first.start()
    try:
        line = refusal(tmp_path, HOST=f"unix:{path}")
        assert line == f"Cannot listen on {path}: Another program listens there. {listening.ADVICE}"
        assert asked(path).startswith(b"HTTP/1.1 200 ")
    finally:
        first.stop()
    assert not path.exists()


def asked(path: Path) -> bytes:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(str(path))
        client.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return client.recv(65536)


def test_what_is_no_socket_and_where_none_can_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    assert "no socket" in str(listening.problem(str(tmp_path / "file")))
    assert (tmp_path / "file").read_text() == "mine"
    assert "No such file or directory" in str(listening.problem(str(tmp_path / "no" / "socket")))
    assert "too long" in str(listening.problem(str(tmp_path / ("long" * 40))))


def test_a_socket_that_nobody_serves_any_more_is_in_nobodys_way(tmp_path: Path) -> None:
    path = str(tmp_path / "left.sock")
    with closing(socket.socket(socket.AF_UNIX)) as gone:
        gone.bind(path)
    assert listening.problem(path) is None
    assert listening.problem(str(tmp_path / "new.sock")) is None
    assert not (tmp_path / "new.sock").exists()


def test_a_free_port_can_be_listened_to() -> None:
    for host in ("127.0.0.1", "0.0.0.0", "localhost"):
        assert listening.problem((host, free_port())) is None
    assert listening.problem(("127.0.0.1", 70000)) is not None


@pytest.mark.parametrize("host", ["unix:", "unix:relative.sock", "unix:/run/", "a b", "http://a", "a,b"])
def test_a_host_that_is_none_is_said_by_the_setting(tmp_path: Path, host: str) -> None:
    assert refusal(tmp_path, HOST=host).startswith("HOST must ")
