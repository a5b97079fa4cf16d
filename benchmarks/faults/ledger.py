"""The ledger: one JSON line for each fact the portal acknowledged, written before the virtual user goes on."""

import hashlib
import json
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

SECRETS = frozenset({"access", "code", "cookie", "parent", "refresh"})
KINDS = frozenset(
    {
        "registered",  # email
        "session began",  # email, cookie
        "consent given",  # email
        "code issued",  # code, cookie
        "tokens issued",  # code, access, refresh
        "refreshed",  # code, parent, access, refresh
        "access revoked",  # code, access
        "revoked",  # code: everything of its family
        "session ended",  # cookie
        # Not acknowledged: a request that may or may not have been carried out.
        "unsure",  # code or cookie
    }
)


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact; ``values`` hold secrets in clear, for the auditor replays them, and only in memory."""

    kind: str
    values: dict[str, str]


class Ledger:
    """An append-only list of facts and the file of its hashes. A family of tokens is named by the code it came from."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.facts: list[Fact] = []
        self._file = path.open("w", encoding="utf-8")
        self._lock = threading.Lock()

    def note(self, kind: str, **values: str) -> None:
        """Write a fact down; raises ``ValueError`` for one of an unknown kind."""
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is no kind of fact.")
        shown = {name: digest(value) if name in SECRETS else value for name, value in values.items()}
        line = json.dumps({"at": datetime.now(UTC).isoformat(timespec="milliseconds"), "fact": kind, **shown})
        with self._lock:
            self._file.write(f"{line}\n")
            self._file.flush()
            self.facts.append(Fact(kind, values))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def digest(secret: str) -> str:
    """SHA-256 as the portal's own tables have it."""
    return hashlib.sha256(secret.encode()).hexdigest()
