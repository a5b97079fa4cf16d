"""How operators watch the portal: where its metrics are, where its traces go."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from app.settings import values
from app.settings.groups import setting

LEAST_TOKEN = 16


def address(value: str) -> str:
    """``host:port``, an IPv6 address in brackets, or nothing."""
    text = value.strip()
    found = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[\w.-]+):([0-9]{1,5})", text, re.ASCII)
    if text and not (found and 1 <= int(found[2]) <= 65535):
        raise ValueError("must be a host and a port, such as 127.0.0.1:9100")
    return text


@dataclass(frozen=True)
class ObservationSettings:
    """Metrics and traces."""

    metrics_bind: str = setting(
        "METRICS_BIND",
        "",
        "Address of /metrics alone, such as 127.0.0.1:9100, which is then nowhere else; empty: see METRICS_TOKEN",
        address,
    )
    metrics_token: str = setting(
        "METRICS_TOKEN",
        "",
        "What a scrape shows as bearer token, 16 characters or more; without METRICS_BIND, /metrics is then on the "
        "portal's own port. Empty, and no METRICS_BIND: only this machine sees it in development, nobody in production",
        values.text,
        True,
    )

    @property
    def metrics_port(self) -> int:
        """The port of the address of /metrics alone; 0 for none."""
        return int(self.metrics_bind.rpartition(":")[2] or 0)

    def problems(self, host: str, port: int) -> Iterator[str]:
        """What makes these unusable beside a portal that listens there."""
        if self.metrics_token and len(self.metrics_token) < LEAST_TOKEN:
            yield f"METRICS_TOKEN must have {LEAST_TOKEN} or more characters"
        if not self.metrics_token.isascii() or not self.metrics_token.isprintable() or " " in self.metrics_token:
            yield "METRICS_TOKEN must be of letters, digits and signs that a header can hold, without spaces"
        if self.metrics_port == port and not host.startswith("unix:"):
            yield "METRICS_BIND must have another port than PORT"
