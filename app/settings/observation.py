"""How operators watch the portal: where its metrics are, where its traces go."""

import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from app.settings import values
from app.settings.groups import sentence, setting

LEAST_TOKEN = 16
PACKAGES = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http.trace_exporter")


def address(value: str) -> str:
    """``host:port``, an IPv6 address in brackets, or nothing."""
    text = value.strip()
    found = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[\w.-]+):([0-9]{1,5})", text, re.ASCII)
    if text and not (found and 1 <= int(found[2]) <= 65535):
        raise ValueError("must be a host and a port, such as 127.0.0.1:9100")
    return text


def base_address(value: str) -> str:
    """An http(s) address without user, query and fragment, and without the stroke at its end; or nothing."""
    text = value.strip().rstrip("/")
    if text and not re.fullmatch(r"https?://[a-zA-Z0-9.\[\]:-]+(/[\w./~-]*)?", text, re.ASCII):
        raise ValueError("must be an address such as http://127.0.0.1:4318")
    return text


def headers(value: str) -> tuple[tuple[str, str], ...]:
    """``name=value`` pairs separated by commas, the values as they stand in addresses (W3C Baggage)."""
    pairs = [each.partition("=") for each in value.split(",") if each.strip()]
    found = tuple((name.strip().lower(), unquote(content.strip())) for name, _, content in pairs)
    if not all(re.fullmatch(r"[a-z0-9-]+", name) and re.fullmatch(r"[ -~]+", content) for name, content in found):
        raise ValueError("must look like name=value, with commas and spaces in a value written %2C and %20")
    return found


@dataclass(frozen=True)
class ObservationSettings:
    """Metrics and traces."""

    metrics_bind: str = setting(
        "METRICS_BIND",
        "",
        sentence(
            "Address of /metrics alone, such as 127.0.0.1:9100, which is then nowhere else; empty: see METRICS_TOKEN"
        ),
        address,
    )
    metrics_token: str = setting(
        "METRICS_TOKEN",
        "",
        sentence(
            "What a scrape shows as bearer token, 16 characters or more; without METRICS_BIND, /metrics is then on the "
            "portal's own port. Empty, and no METRICS_BIND: only this machine sees it in development, nobody in "
            "production"
        ),
        values.text,
        True,
    )

    traces_endpoint: str = setting(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "",
        sentence(
            "Where traces go, as OTLP over HTTP below this address (/v1/traces), such as http://127.0.0.1:4318; needs "
            "requirements-otel.txt. Empty: there are none"
        ),
        base_address,
    )
    traces_headers: tuple[tuple[str, str], ...] = setting(
        "OTEL_EXPORTER_OTLP_HEADERS",
        "",
        sentence("Headers to send with them, such as authorization=Bearer%20…, separated by commas"),
        headers,
        True,
    )
    traces_percent: int = setting(
        "TRACES_PERCENT",
        "100",
        sentence("How many in a hundred requests are traced, where no proxy decided it"),
        values.number(0, 100),
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
        if self.traces_endpoint and not has_packages():
            yield (
                "OTEL_EXPORTER_OTLP_ENDPOINT is set, but what it needs is not installed: "
                "pip install -r requirements-otel.txt"
            )


def has_packages() -> bool:
    """Whether what traces need is installed; nothing of it is loaded for the answer but its empty parents."""
    try:
        return all(importlib.util.find_spec(name) for name in PACKAGES)
    except ModuleNotFoundError:
        return False
