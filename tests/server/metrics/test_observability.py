"""The alert rules and the dashboard speak of metrics and labels that there are, with values that can be."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.server.metrics.families import FAMILIES, Family, Kind

PLACE = Path(__file__).resolve().parents[3] / "deploy/observability"
METRIC = re.compile(r"\b(portal_[a-z_]+)(?:\{([^}]*)\})?")
OF_PROMETHEUS = {"instance", "job", "le"}


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((PLACE / "alerts.yml").read_text())["groups"]
    return list(group["rules"])


def expressions() -> Iterator[tuple[str, str]]:
    for rule in rules():
        yield rule["alert"], rule["expr"]
    for panel in json.loads((PLACE / "dashboard.json").read_text())["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


def family_of(name: str) -> Family:
    base = {each.name: each for each in FAMILIES}
    (found,) = {base[each] for each in (name, re.sub(r"_(bucket|sum|count)\Z", "", name)) if each in base}
    assert (name == found.name) == (found.kind is not Kind.HISTOGRAM)
    return found


@pytest.mark.parametrize(("where", "expression"), list(expressions()))
def test_what_is_asked_for_is_there(where: str, expression: str) -> None:
    named = METRIC.findall(expression)
    assert named or where == "PortalAway"
    labels: set[str] = set()
    for name, selectors in named:
        family = family_of(name)
        labels |= set(family.labels)
        chosen = set(re.findall(r"([a-z]+)\s*(?:=~|!~|!=|=)", selectors))
        assert chosen <= set(family.labels) | OF_PROMETHEUS, (name, chosen)
    for group in re.findall(r"by \(([a-z, ]+)\)", expression):
        assert set(group.split(", ")) <= labels | OF_PROMETHEUS
    for symbol in ("()", "[]", "{}"):
        assert expression.count(symbol[0]) == expression.count(symbol[1])


def test_every_rule_says_what_is_wrong_and_how_bad_that_is() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names)) > 10
    for rule in rules():
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert rule["annotations"]["summary"].endswith(".")
        assert re.fullmatch(r"\d+[smh]", rule.get("for", "1m"))


def test_every_metric_is_on_the_dashboard_or_in_a_rule() -> None:
    shown = {family_of(name).name for _, expression in expressions() for name, _ in METRIC.findall(expression)}
    assert {family.name for family in FAMILIES} - shown == set()
