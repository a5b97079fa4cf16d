#!/usr/bin/env python3
"""Verifies an export of the portal's audit trail, alone: one file for Python 3.11 or newer, with ``cryptography``.

    python verify_audit.py EXPORT [--keys FILE] [--checkpoint FILE]... [--extract] [--json]

EXPORT is what ``flask audit export`` wrote, JSON lines or CSV; ``-`` reads it from standard input. ``--keys`` names a
copy of /.well-known/audit-keys.json that was kept elsewhere: only these keys, and those they hand over to, are trusted
then. ``--checkpoint`` names checkpoints kept (/.well-known/audit-checkpoints.json, or one alone): they are to be
in the trail. ``--extract`` accepts a trail that begins later than the chain without a removal on record.

Exit code 0: whole. 1: not whole; each line names what was done to which row. 2: it cannot be read. 3: whole as far as
it goes, and an extract that was not asked for. How it works and what it does not prove stands in docs/audit.md.
"""

import argparse
import base64
import csv
import hashlib
import json
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

WHOLE, TAMPERED, UNREADABLE, EXTRACT = 0, 1, 2, 3
LONGEST = 10_000_000

# ---- app/services/record/forms.py ----
FORMAT = 1
BEGINNING = "0" * 64
DELETED, TRIMMED = "account:deleted", "audit:trimmed"
COLUMNS = (
    *("kind", "sequence", "created_at", "action", "success", "error_code", "client_id", "user_id", "id"),
    *("actor", "ip", "user_agent", "details", "proof"),
)
UNSEEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
# Also behind what other programs take for the end of a cell.
FORMULA = re.compile(r"(^|[;,|\"]\s*)([=+\-@＝＋－＠])")
PERSONAL = ("actor", "ip", "user_agent", "details")
ROW: dict[str, tuple[type, ...]] = {
    "sequence": (int,),
    "id": (str,),
    "action": (str,),
    "client_id": (str, type(None)),
    "user_id": (str, type(None)),
    "actor": (str,),
    "success": (bool,),
    "error_code": (str, type(None)),
    "ip": (str,),
    "user_agent": (str,),
    "details": (dict, list, str, int, float, bool, type(None)),
    "created_at": (str,),
    "salt": (str,),
    "personal_hash": (str,),
    "hash": (str,),
    "added_at": (str,),
}
CHECKPOINT: dict[str, tuple[type, ...]] = {
    "issuer": (str,),
    "number": (int,),
    "sequence": (int,),
    "hash": (str,),
    "signed_at": (str,),
    "kid": (str,),
    "successor": (str,),
    "previous": (str,),
    "signature": (str,),
}
ITEMS: dict[str, dict[str, tuple[type, ...]]] = {
    "audit": {
        "version": (int,),
        "issuer": (str,),
        "exported_at": (str,),
        "anchor": (dict,),
        "keys": (list,),
    },
    "row": ROW,
    "checkpoint": CHECKPOINT,
    "gone": {"sequence": (int,), "id": (str,), "hash": (str,)},
    "end": {"rows": (int,), "checkpoints": (int,)},
}


def canonical(value: object) -> str:
    """JSON in ASCII, without spaces, members in the order of their names' code points."""
    return json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":"))


def digest(kind: str, *lines: str) -> str:
    """SHA-256, hex, of lines under a heading."""
    return hashlib.sha256("\n".join([kind, *lines]).encode()).hexdigest()


def personal_hash_of(row: Mapping[str, Any]) -> str:
    """The commitment to what can be erased."""
    return digest("max-audit-personal-1", row["salt"], canonical([row[name] for name in PERSONAL]))


def hash_of(row: Mapping[str, Any], previous: str) -> str:
    """The hash of a row that follows the one of the ``previous`` hash."""
    names = ("sequence", "id", "action", "client_id", "user_id", "success", "error_code", "created_at")
    values = [*(row[name] for name in names), row["personal_hash"], row["added_at"]]
    return digest("max-audit-row-1", previous, canonical(values))


def signed_text(checkpoint: Mapping[str, Any]) -> bytes:
    """What the signature of a checkpoint is over."""
    names = ("issuer", "number", "sequence", "hash", "signed_at", "kid", "successor", "previous")
    return f"max-audit-checkpoint-1\n{canonical([checkpoint[name] for name in names])}".encode()


def kid_of(public_key: str) -> str:
    """The id of an Ed25519 key: the thumbprint of its JWK (RFC 7638, RFC 8037)."""
    text = canonical({"crv": "Ed25519", "kty": "OKP", "x": public_key})
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def is_signed(checkpoint: Mapping[str, Any], public_key: str) -> bool:
    """Whether the key signed it."""
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(public_key + "="))
        key.verify(base64.urlsafe_b64decode(checkpoint["signature"] + "=="), signed_text(checkpoint))
    except (InvalidSignature, ValueError):
        return False
    return True


def known_keys(published: Iterable[Any]) -> dict[str, str]:
    """Public keys by their ids, of what ``keys`` of a published document holds; what is no key is left out."""
    xs = (each.get("x") for each in published if isinstance(each, dict))
    return {kid_of(x): x for x in xs if isinstance(x, str)}


def is_well_formed(item: Any) -> bool:
    """Whether an item has all members of its kind, of the right types, and no others."""
    if not isinstance(item, dict):
        return False
    shape = ITEMS.get(str(item.get("kind")), {})
    if not shape or item.keys() != {"kind", *shape}:
        return False
    # True is an int to Python, and no number here.
    return all(
        isinstance(item[name], kinds) and (bool in kinds or not isinstance(item[name], bool))
        for name, kinds in shape.items()
    )


def deletions_of(items: Iterable[Any]) -> dict[str, int]:
    """For each account that a trail says was deleted, the last row that says so."""
    found: dict[str, int] = {}
    for item in items:
        if is_well_formed(item) and item["kind"] == "row" and item["action"] == DELETED and item["success"]:
            found[str(item["user_id"])] = max(item["sequence"], found.get(str(item["user_id"]), 0))
    return found


def kept_checkpoints(document: Any) -> list[dict[str, Any]]:
    """The checkpoints in a document that was published, or kept alone; raises ``ValueError`` if there is none."""
    found = document.get("checkpoints", [document]) if isinstance(document, dict) else document
    kept = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    needed = ("issuer", "number", "sequence", "hash", "signed_at")
    if not kept or not all(isinstance(each.get(name), CHECKPOINT[name]) for each in kept for name in needed):
        raise ValueError("there is no checkpoint in it")
    return kept


def visible(text: str) -> str:
    """``text`` with what forges lines, moves a terminal's cursor or turns the reading order written as ``\\u001b``."""
    return UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def cell_of(value: object) -> str:
    """A value as a cell of a spreadsheet, which must never take it for a formula."""
    if value is None or isinstance(value, bool):
        return {None: "", True: "true", False: "false"}[value]
    text = visible(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True))
    return FORMULA.sub(r"\1'\2", text)


def cells_of(item: Mapping[str, Any]) -> list[str]:
    """An item as a line of a CSV export: for readers, with the item itself in the last cell, for the verifier."""
    proof = base64.urlsafe_b64encode(canonical(item).encode()).rstrip(b"=").decode()
    return [*(cell_of(item.get(name)) for name in COLUMNS[:-1]), proof]


def item_of(cells: Sequence[str]) -> Any:
    """The item of a line; raises ``ValueError`` where it is none, or the cells for readers do not say the same."""
    proof = cells[-1] if len(cells) == len(COLUMNS) else ""
    item = parsed(base64.urlsafe_b64decode(proof + "=" * (-len(proof) % 4)).decode())
    if not isinstance(item, dict) or cells_of(item) != list(cells):
        raise ValueError("what is shown in the cells is not what is in the proof")
    return item


def parsed(text: str) -> Any:
    """What JSON says; raises ``ValueError`` where a member stands twice, which readers would take differently."""
    return json.loads(text, object_pairs_hook=_unambiguous)


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members


# ---- app/services/record/verification.py ----
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


# ---- the program ----
def items_of(file: IO[str]) -> Iterator[Any]:
    """The items of an export; what is none is a text that says so."""
    file.seek(0)
    is_csv = file.readline().lstrip('"').startswith("kind")
    file.seek(0)
    if not is_csv:
        lines = ((number, line) for number, line in enumerate(iter(file.readline, ""), 1))
        yield from (_item(number, parsed, line) for number, line in lines if line.strip())
        return
    rows = csv.reader(iter(file.readline, ""), strict=True)
    try:
        yield from (_item(number, item_of, cells) for number, cells in enumerate(rows, 1) if cells != [*COLUMNS])
    except csv.Error as error:
        yield f"line {rows.line_num} cannot be read: {error}"


def _item(number: int, read: Any, line: Any) -> Any:
    try:
        return read(line)
    except (ValueError, RecursionError) as error:
        return f"line {number} cannot be read: {error}"


def verified(file: IO[str], pinned: Mapping[str, str] | None = None, kept: Sequence[Mapping[str, Any]] = ()) -> Report:
    """What comes out for an export."""
    # Once for the accounts that were deleted, which is said behind what was erased for it; then for everything.
    verifier = Verifier(deletions_of(items_of(file)), pinned, kept)
    for item in items_of(file):
        if isinstance(item, str):
            verifier.report.add(Finding(None, "", item))
        else:
            verifier.read(item)
    return verifier.finish()


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify what the command line names; answers the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("export", help="what was exported; - for standard input")
    parser.add_argument("--keys", type=Path, help="public keys that are trusted, and no others")
    parser.add_argument("--checkpoint", type=Path, action="append", default=[], help="checkpoints that were kept")
    parser.add_argument("--extract", action="store_true", help="accept an extract")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    chosen = parser.parse_args(arguments)
    csv.field_size_limit(LONGEST)
    try:
        pinned = known_keys(parsed(chosen.keys.read_text("utf-8"))["keys"]) if chosen.keys else None
        kept = [each for path in chosen.checkpoint for each in kept_checkpoints(parsed(path.read_text("utf-8")))]
        with _opened(chosen.export) as file:
            report = verified(file, pinned, kept)
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"Cannot be read: {visible(str(error))}", file=sys.stderr)
        return UNREADABLE
    if chosen.json:
        print(json.dumps({**asdict(report), "whole": report.is_whole}))
    else:
        print("\n".join(visible(line) for line in report.told()))
    if not report.is_whole:
        return TAMPERED
    return EXTRACT if report.is_extract and not chosen.extract else WHOLE


def _opened(name: str) -> IO[str]:
    """The export as a file that can be read twice."""
    if name != "-":
        return open(name, encoding="utf-8-sig", newline="")
    kept = tempfile.TemporaryFile("w+", encoding="utf-8", newline="")  # noqa: SIM115
    for line in sys.stdin:
        kept.write(line)
    return kept


if __name__ == "__main__":
    sys.exit(main())
