"""Whether a trail is whole: reads its items one after the other and names what was done to it.

``tools/verify_audit.py`` holds a copy of what stands below the line, and a test that says so.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.services.record.forms import (
    BEGINNING,
    FORMAT,
    TRIMMED,
    hash_of,
    is_signed,
    is_well_formed,
    kid_of,
    known_keys,
    personal_hash_of,
    signed_text,
)

# ---- a copy of this is in tools/verify_audit.py ----
MOST_SHOWN = 50


@dataclass(frozen=True)
class Finding:
    """What was done to the row (or to the checkpoint, where ``sequence`` is None)."""

    sequence: int | None
    id: str
    what: str

    def __str__(self) -> str:
        """One line."""
        if self.sequence is None:
            return self.what
        return f"row {self.sequence}{f' ({self.id})' if self.id else ''}: {self.what}"


@dataclass
class Report:
    """What came out: ``findings`` are the first of ``problems``; none means that the trail is whole."""

    rows: int = 0
    erased: int = 0
    checkpoints: int = 0
    first: int = 0
    last: int = 0
    signed_until: int = 0
    signed_at: str = ""
    is_pinned: bool = False
    is_extract: bool = False
    trimmed_until: int = 0
    problems: int = 0
    findings: list[Finding] = field(default_factory=list)
    kids: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether nothing was found."""
        return not self.problems

    def told(self) -> list[str]:
        """The report in sentences."""
        lines = [str(finding) for finding in self.findings]
        if self.problems > len(lines):
            lines.append(f"… and {self.problems - len(lines)} more.")
        begin = f"It begins behind row {self.first - 1}"
        if self.trimmed_until:
            lines.append(f"{begin}, up to which old records were removed; that is on record.")
        elif self.is_extract:
            lines.append(f"{begin}: an EXTRACT, which says nothing of what was before.")
        lines.append(f"{'WHOLE' if self.is_whole else 'NOT WHOLE'}: {self.rows} rows, {self.erased} of them erased.")
        lines.append(
            f"Signed up to row {self.signed_until} of {self.last}, last at {self.signed_at or '-'}; "
            f"{self.checkpoints} checkpoints."
        )
        if not self.is_pinned:
            lines.append("The keys are the trail's own: somebody who made it anew would have added theirs. Pin them.")
        return lines

    def add(self, finding: Finding) -> None:
        """Add what was found."""
        self.problems += 1
        if len(self.findings) < MOST_SHOWN:
            self.findings.append(finding)

    def end_with(self, findings: Sequence[Finding]) -> None:
        """Add what was found of the trail as a whole, which none of the many rows that it shows in may hide."""
        self.problems += len(findings)
        ends = findings[: MOST_SHOWN // 2]
        self.findings = [*self.findings[: MOST_SHOWN - len(ends)], *ends]


class Verifier:
    """Reads a trail from its beginning to its end, holding little of it.

    ``deletions`` has for each deleted account the sequence of the row that says so; ``pinned`` are public keys the
    auditor trusts (None: those of the trail itself), ``kept`` checkpoints the auditor has from an earlier time.
    """

    def __init__(
        self,
        deletions: Mapping[str, int],
        pinned: Mapping[str, str] | None = None,
        kept: Sequence[Mapping[str, Any]] = (),
        *,
        has_unsigned_end: bool = False,
    ) -> None:
        self.report = Report(is_pinned=pinned is not None)
        self._deletions = deletions
        self._keys = dict(pinned or {})
        self._trusted = set(self._keys)
        self._kept = {each["number"]: each for each in kept}
        self._has_unsigned_end = has_unsigned_end
        self._anchor: tuple[int, str] | None = None
        self._is_anchor_signed = self._is_anchor_recorded = False
        self._sequence, self._hash, self._before = 0, BEGINNING, BEGINNING
        self._is_linked = True
        self._last: Finding | None = None
        self._last_id = ""
        self._missing: list[list[int]] = []
        self._number, self._previous = 0, BEGINNING
        self._latest: Mapping[str, Any] | None = None
        self._has_ended = False

    def read(self, item: Any) -> None:
        """Judge the next item."""
        if not is_well_formed(item):
            place = item.get("sequence") if isinstance(item, dict) else None
            self._found(place if isinstance(place, int) else None, "", "an item of the trail is malformed")
        elif item["kind"] == "audit":
            self._begin(item)
        elif self._anchor is None:
            self._found(None, "", "the trail does not begin with its heading")
            self._anchor = (0, BEGINNING)
            self.read(item)
        elif self._has_ended:
            self._found(item.get("sequence"), item.get("id", ""), "stands behind the end of the trail")
        else:
            getattr(self, f"_read_{item['kind']}")(item)

    def finish(self) -> Report:
        """Judge the whole."""
        report = self.report
        sequence, _ = self._anchor or (0, "")
        report.is_extract = bool(sequence) and not self._is_anchor_recorded
        report.trimmed_until = sequence if self._is_anchor_recorded else 0
        report.end_with(list(self._of_the_whole(sequence)))
        report.first, report.last, report.kids = sequence + 1, self._sequence, sorted(self._trusted)
        return report

    def _of_the_whole(self, anchor: int) -> Iterator[Finding]:
        if not self._has_ended:
            yield Finding(None, "", "the trail has no end: it was cut off, or is no trail")
        for number in sorted(self._kept):
            what = f"checkpoint {number}, which the auditor kept, is not in the trail: its end was cut off"
            yield Finding(self._kept[number]["sequence"], "", what)
        if anchor and not self._is_anchor_signed:
            yield Finding(anchor, "", "no signed checkpoint stands where the trail begins: its beginning was removed")
        if self._sequence > self.report.signed_until and not self._has_unsigned_end:
            yield Finding(self.report.signed_until + 1, "", "is behind the last checkpoint: nobody signed it")
        for first, last in self._missing:
            which = f"row {first} was" if first == last else f"rows {first} to {last} were"
            yield Finding(first, "", f"{which} removed")

    def _begin(self, item: Mapping[str, Any]) -> None:
        if self._anchor is not None:
            self._found(None, "", "the trail has a second heading")
            return
        anchor = item["anchor"]
        if item["version"] != FORMAT or not isinstance(anchor.get("sequence"), int):
            self._found(None, "", f"the trail is not of version {FORMAT}")
            anchor = {}
        self._anchor = (anchor.get("sequence", 0), str(anchor.get("hash", BEGINNING)))
        if not self._anchor[0] and self._anchor[1] != BEGINNING:
            self._found(1, "", "the trail does not begin at its beginning")
        self._sequence, self._hash = self._anchor
        offered = known_keys(item["keys"])
        self._keys = {**offered, **self._keys}
        if not self.report.is_pinned:
            self._trusted = set(offered)

    def _read_row(self, row: Mapping[str, Any]) -> None:
        self.report.rows += 1
        sequence, identity = row["sequence"], row["id"]
        if sequence <= self._sequence:
            self._read_misplaced(row)
            return
        self._step_to(sequence)
        self._last = None
        if self._is_linked and hash_of(row, self._hash) != row["hash"]:
            self._last = self._found(
                sequence,
                identity,
                "was edited, or what stands before it was: its hash is not that of its content behind the row before",
            )
        self._before, self._hash, self._sequence = self._hash, row["hash"], sequence
        self._is_linked, self._last_id = True, identity
        self._judge_person(row)
        self._judge_trim(row)

    def _step_to(self, sequence: int) -> None:
        """Note the rows that are not there before this one."""
        if sequence > self._sequence + 1:
            self._missing.append([self._sequence + 1, sequence - 1])
            # What it was sealed behind is not there; the next checkpoint judges it.
            self._is_linked = False

    def _read_misplaced(self, row: Mapping[str, Any]) -> None:
        sequence, identity = row["sequence"], row["id"]
        for gap in self._missing:
            if gap[0] <= sequence <= gap[1]:
                self._missing.remove(gap)
                self._missing += [
                    each for each in ([gap[0], sequence - 1], [sequence + 1, gap[1]]) if each[0] <= each[1]
                ]
                self._missing.sort()
                self._found(sequence, identity, f"was moved: it stands behind row {self._sequence}")
                self._judge_person(row)
                return
        if sequence == self._sequence and self._last and hash_of(row, self._before) == row["hash"]:
            # This one is genuine, so it was the other one that does not belong here.
            self._replace(
                self._last, Finding(sequence, self._last_id, "was inserted: there is another row of its place")
            )
            self._last, self._hash, self._last_id = None, row["hash"], identity
            self._judge_person(row)
            return
        self._found(sequence, identity, "was inserted: there is another row of its place")

    def _judge_person(self, row: Mapping[str, Any]) -> None:
        sequence, identity, person = row["sequence"], row["id"], row["user_id"]
        deleted_at = self._deletions.get(person, 0) if person is not None else 0
        if row["salt"]:
            if personal_hash_of(row) != row["personal_hash"]:
                what = "actor, address, browser or details were edited, or their salt was"
                self._found(sequence, identity, what)
            elif sequence < deleted_at:
                what = f"an erasure was undone: the account was deleted with row {deleted_at}"
                self._found(sequence, identity, what)
            return
        self.report.erased += 1
        if row["actor"] or row["ip"] or row["user_agent"] or row["details"] != {}:
            self._found(sequence, identity, "is erased, and was filled in again")
        elif sequence >= deleted_at:
            what = "was blanked as if erased: no deletion of its account is on record behind it"
            self._found(sequence, identity, what)

    def _judge_trim(self, row: Mapping[str, Any]) -> None:
        if row["action"] == TRIMMED and isinstance(row["details"], dict):
            told = (row["details"].get("sequence"), row["details"].get("hash"))
            self._is_anchor_recorded = self._is_anchor_recorded or told == self._anchor

    def _read_gone(self, item: Mapping[str, Any]) -> None:
        """A seal whose row is not there."""
        self._step_to(item["sequence"])
        if item["sequence"] > self._sequence:
            self._found(item["sequence"], item["id"], "was removed; its seal is still there")
            self._before, self._hash, self._sequence = self._hash, item["hash"], item["sequence"]
            self._is_linked, self._last = True, None

    def _read_checkpoint(self, item: Mapping[str, Any]) -> None:
        self.report.checkpoints += 1
        name, number = f"checkpoint {item['number']}", item["number"]
        if number != self._number + 1:
            self._found(None, "", f"{name} follows checkpoint {self._number}: what is between was removed or moved")
        elif item["previous"] != self._previous:
            self._found(None, "", f"{name} was not made behind the checkpoint before it")
        self._number, self._previous = number, hashlib.sha256(signed_text(item)).hexdigest()
        key = self._keys.get(item["kid"], "")
        if item["kid"] not in self._trusted:
            self._found(None, "", f"{name} is signed by a key that is not trusted: {item['kid'][:43]!a}")
        elif not is_signed(item, key):
            self._found(None, "", f"{name} was edited: its signature is not that of its key")
        else:
            self._trust(item)
            self._compare(item, name)
        self._compare_kept(item, number)

    def _trust(self, item: Mapping[str, Any]) -> None:
        if item["successor"]:
            kid = kid_of(item["successor"])
            self._keys[kid] = item["successor"]
            self._trusted.add(kid)

    def _compare(self, item: Mapping[str, Any], name: str) -> None:
        """Hold the rows to a checkpoint that is genuine."""
        sequence, (anchored, anchor_hash) = item["sequence"], self._anchor or (0, BEGINNING)
        if sequence == anchored:
            self._is_anchor_signed = self._is_anchor_signed or item["hash"] == anchor_hash
            if item["hash"] != anchor_hash:
                self._found(sequence, "", f"the trail begins with another hash than {name} says")
        elif sequence > self._sequence:
            first = self._sequence + 1
            self._missing.append([first, sequence])
            self._sequence, self._hash, self._is_linked = sequence, item["hash"], True
            self._last = None
        elif sequence == self._sequence and item["hash"] != self._hash:
            since = max(self.report.signed_until, anchored) + 1
            self._found(sequence, self._last_id, f"rows {since} to {sequence} are not those that {name} signed")
            self._hash = item["hash"]
        elif anchored < sequence < self._sequence:
            self._found(sequence, "", f"{name} stands at another place than its row")
        if sequence >= max(self.report.signed_until, anchored):
            self.report.signed_until, self.report.signed_at = sequence, item["signed_at"]

    def _compare_kept(self, item: Mapping[str, Any], number: int) -> None:
        kept = self._kept.pop(number, None)
        if kept is not None and any(kept[name] != item[name] for name in ("issuer", "sequence", "hash", "signed_at")):
            self._found(kept["sequence"], "", f"checkpoint {number} is not the one that the auditor kept")

    def _read_end(self, item: Mapping[str, Any]) -> None:
        self._has_ended = True
        if (item["rows"], item["checkpoints"]) != (self.report.rows, self.report.checkpoints):
            told = f"{item['rows']} rows and {item['checkpoints']} checkpoints"
            self._found(
                None,
                "",
                f"the trail says that it has {told}: there are {self.report.rows} and {self.report.checkpoints}",
            )

    def _found(self, sequence: int | None, identity: str, what: str) -> Finding:
        finding = Finding(sequence, identity, what)
        self.report.add(finding)
        return finding

    def _replace(self, old: Finding, new: Finding) -> None:
        if old in self.report.findings:
            self.report.findings[self.report.findings.index(old)] = new
