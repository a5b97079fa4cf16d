"""The numbers in the words of Prometheus: what all pages hold, joined, and what the database says.

``prometheus_client`` writes them. Its own way for several processes, a file for each that ever was, wants a variable
that is set before Python starts and a disk that is never full; its collectors can be given numbers from anywhere.
"""

import math
import platform
import threading
import time
from collections import defaultdict
from collections.abc import Iterator

from flask import Flask
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from app.database import schema
from app.server.metrics import families
from app.server.metrics.board import Key
from app.server.metrics.families import Family, Kind
from app.server.metrics.meters import Meters
from app.server.metrics.state import State
from app.settings import Settings

KEPT_SECONDS = 1.0
"""How long an answer holds: asked more often, it costs no more."""
Rows = dict[tuple[str, ...], list[float]]


class Exposition(Collector):
    """Tells an application's numbers."""

    def __init__(self, app: Flask, meters: Meters, settings: Settings) -> None:
        self._meters = meters
        self._state = State(app)
        is_sqlite = settings.storage.database_url.startswith("sqlite")
        database = "sqlite" if is_sqlite else "postgresql"
        self._build = (schema.known()[0], platform.python_version(), database)
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        self._kept = b""
        self._made_at = -math.inf
        self._making = threading.Lock()

    def text(self) -> bytes:
        """All of it, a second old at most."""
        with self._making:
            if time.monotonic() > self._made_at + KEPT_SECONDS:
                self._kept, self._made_at = generate_latest(self._registry), time.monotonic()
            return self._kept

    def collect(self) -> Iterator[Metric]:
        """Every family, in the order of the documentation."""
        self._meters.look_at_pool()
        state = self._state.numbers()
        if state is None:
            self._meters.count(families.SCRAPE_ERRORS)
        rows = self._joined()
        rows["portal_build_info"] = {self._build: [1.0]}
        rows["portal_state_up"] = {(): [float(state is not None)]}
        for (family, labels), number in (state or {}).items():
            rows[family.name][labels] = [number]
        for family in families.FAMILIES:
            yield _told(family, rows[family.name])

    def _joined(self) -> dict[str, Rows]:
        """What the pages hold, by family and labels."""
        found: dict[str, Rows] = defaultdict(dict)
        for _, key, values in self._meters.board.read():
            family = families.BY_NAME[key[0]]
            if math.isnan(values[0]):
                continue
            rows, labels = found[family.name], _labels(key)
            rows[labels] = _one(family, rows[labels], values) if labels in rows else values
        return found


def _labels(key: Key) -> tuple[str, ...]:
    return key[1:]


def _one(family: Family, these: list[float], those: list[float]) -> list[float]:
    """Of the numbers that two workers hold, those that both mean."""
    if family.kind is Kind.LEAST:
        return list(map(min, these, those))
    if family.kind is Kind.LATEST:
        return list(map(max, these, those))
    return [this + that for this, that in zip(these, those, strict=True)]


def _told(family: Family, rows: Rows) -> Metric:
    name, meaning = family.name, family.meaning.replace("`", "")
    if family.kind is Kind.HISTOGRAM:
        histogram = HistogramMetricFamily(name, meaning, labels=family.labels)
        for labels, numbers in rows.items():
            histogram.add_metric(labels, _buckets(family, numbers), sum_value=numbers[-1])
        return histogram
    kind = CounterMetricFamily if family.kind is Kind.COUNTER else GaugeMetricFamily
    if family.kind is Kind.COUNTER and not family.labels:
        rows = rows or {(): [0.0]}
    told: CounterMetricFamily | GaugeMetricFamily = kind(name, meaning, labels=family.labels)
    for labels, (number,) in rows.items():
        told.add_metric(labels, number)
    return told


def _buckets(family: Family, numbers: list[float]) -> list[tuple[str, float]]:
    """How many values were below each bound, as Prometheus wants them: those of the smaller bounds with them."""
    found, total = [], 0.0
    for bound, number in zip((*map(str, family.bounds), "+Inf"), numbers[:-1], strict=True):
        total += number
        found.append((bound, total))
    return found
