"""Findings as rows keep them, and read again in the words of now."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.selfcheck.findings import Finding, Outcome, Said, Seen
from app.selfcheck.run import PROBES


@dataclass(frozen=True, slots=True)
class Change:
    """What a probe saw otherwise than in the run before."""

    finding: Finding
    before: Outcome


def kept(finding: Finding) -> dict[str, Any]:
    """What is kept of a finding: how the probe ended and what it said, without titles and advice."""
    seen = finding.seen
    return {"name": finding.name, "outcome": finding.outcome.value, "text": seen.text, "values": dict(seen.values)}


def read(rows: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """The findings of a report; what no probe is called any more is left out."""
    probes = {probe.name: probe for probe in PROBES}
    return [
        probes[each["name"]].finding(Seen(Outcome(each["outcome"]), Said(each["text"], each["values"])))
        for each in rows
        if each["name"] in probes
    ]


def changes(now: Iterable[Finding], before: Sequence[Mapping[str, Any]]) -> list[Change]:
    """What ended otherwise than before, of what both runs tried."""
    outcomes = {each["name"]: Outcome(each["outcome"]) for each in before}
    return [
        Change(each, outcomes[each.name])
        for each in now
        if each.name in outcomes and outcomes[each.name] is not each.outcome
    ]
