"""Whether somebody can listen where the settings say, told in one line before anything has begun."""

import os
import socket
import stat

ADVICE = "PORT=… and HOST=… choose where to listen."


def problem(address: tuple[str, int] | str) -> str | None:
    """Why nobody can listen at an address of gunicorn's (host and port, or the path of a socket); None if one can."""
    try:
        if isinstance(address, tuple):
            _try_port(*address)
        else:
            _try_path(address)
    except (OSError, UnicodeError, OverflowError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error) or "not possible"
        where = f"port {address[1]}" if isinstance(address, tuple) else address
        of = f" of {address[0]}" if isinstance(address, tuple) and "in use" not in reason else ""
        return f"Cannot listen on {where}{of}: {reason}. {ADVICE}"
    return None


def _try_port(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))


def _try_path(path: str) -> None:
    """gunicorn takes the place of a socket that is there, also of one that somebody serves."""
    with socket.socket(socket.AF_UNIX) as probe:
        if path.startswith("\0") or not os.path.lexists(path):
            probe.bind(path)
            if not path.startswith("\0"):
                os.unlink(path)
        elif not stat.S_ISSOCK(os.stat(path).st_mode):
            raise OSError(None, "A file that is no socket is there")
        elif _is_served(probe, path):
            raise OSError(None, "Another program listens there")
        elif not os.access(os.path.dirname(path) or ".", os.W_OK | os.X_OK):
            raise OSError(None, "The directory cannot be written")


def _is_served(probe: socket.socket, path: str) -> bool:
    probe.settimeout(1)
    try:
        probe.connect(path)
    except ConnectionRefusedError:
        return False
    except (BlockingIOError, TimeoutError):
        return True  # its line is full
    return True
