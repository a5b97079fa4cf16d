"""Whatever is done to the trail is found and named, in the database and in an export, on both engines."""

from collections.abc import Iterator
from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.models import new_id
from app.services.record.audit import Event
from app.services.record.verification import MOST_SHOWN
from tests.services.record.trails import (
    CHAIN,
    CHECKPOINT,
    KEY,
    LOG,
    SEAL,
    TABLES,
    Rows,
    Stage,
    added,
    hashed_anew,
    of_csv,
    of_lines,
    signed_anew,
)

EDITED = "was edited, or what stands before it was"
PERSONAL = "actor, address, browser or details were edited"


@pytest.fixture
def rows(stage: Stage) -> Iterator[Rows]:
    """What there is, to be changed; it is put back afterwards."""
    yield deepcopy(stage.kept)
    stage.restore()


def record(stage: Stage, rows: Rows, sequence: int) -> dict[str, Any]:
    """The record at a place."""
    wanted = stage.seals[sequence - 1]["record_id"]
    return next(row for row in rows[LOG] if row["id"] == wanted)


def seal(rows: Rows, sequence: int) -> dict[str, Any]:
    """The seal at a place."""
    return next(row for row in rows[SEAL] if row["sequence"] == sequence)


def assert_found(stage: Stage, rows: Rows, sequence: int, identity: str, what: str, **known: Any) -> None:
    """All three verifiers say it of that row, before anything else."""
    stage.put(rows)
    items = stage.items()
    for report in (stage.in_place(**known), of_lines(items, **known), of_csv(items, **known)):
        told = [str(finding) for finding in report.findings]
        assert not report.is_whole
        assert (report.findings[0].sequence, report.findings[0].id) == (sequence, identity), told
        assert what in report.findings[0].what, told


def test_what_nobody_touched_is_whole(stage: Stage) -> None:
    items = stage.items()
    known = {"pinned": stage.keys, "kept": stage.checkpoints}
    for report in (stage.in_place(**known), of_lines(items, **known), of_csv(items, **known)):
        assert (report.findings, report.rows, report.last) == ([], stage.last, stage.last)
        assert report.erased == sum(row["user_id"] == stage.ada for row in stage.before.values())
        assert report.erased > 4
        assert (report.signed_until, report.checkpoints) == (stage.last, len(stage.checkpoints))
    # Whoever has the first key alone is led to the second one.
    first = {key: stage.keys[key] for key in stage.keys if key == stage.checkpoints[-1]["kid"]}
    assert len(first) == 1
    assert stage.in_place(pinned=first).is_whole


EDITS: dict[str, tuple[Any, str]] = {
    "action": ("account:login:failed", EDITED),
    "client_id": ("maxapa", EDITED),
    "user_id": ("00000000-0000-0000-0000-000000000000", EDITED),
    "success": (False, EDITED),
    "error_code": ("wrong_credentials", EDITED),
    "created_at": (timedelta(microseconds=1), EDITED),
    "actor": ("operator", PERSONAL),
    "ip": ("203.0.113.8", PERSONAL),
    "user_agent": ("Safari/18", PERSONAL),
    "details": ({"number": 1}, PERSONAL),
}


@pytest.mark.parametrize("column", EDITS)
def test_an_edited_column(stage: Stage, rows: Rows, column: str) -> None:
    place = stage.of(stage.bob, which=-1)["sequence"]
    row, (value, what) = record(stage, rows, place), EDITS[column]
    row[column] = row[column] + value if isinstance(value, timedelta) else value
    assert_found(stage, rows, place, row["id"], what)


def test_every_column_is_among_those() -> None:
    assert {column.name for column in TABLES[LOG].columns} == {*EDITS, "id"}


@pytest.mark.parametrize(
    ("column", "value", "what"),
    [
        ("hash", "0" * 64, EDITED),
        ("personal_hash", "0" * 64, EDITED),
        ("salt", "0" * 32, PERSONAL),
        ("added_at", timedelta(seconds=1), EDITED),
    ],
)
def test_an_edited_seal(stage: Stage, rows: Rows, column: str, value: Any, what: str) -> None:
    place = stage.of(stage.bob)
    row = seal(rows, place["sequence"])
    row[column] = row[column] + value if isinstance(value, timedelta) else value
    assert_found(stage, rows, place["sequence"], place["record_id"], what)


@pytest.mark.parametrize("where", ["first", "middle", "last"])
@pytest.mark.parametrize("takes_seal", [True, False])
def test_a_removed_row(stage: Stage, rows: Rows, where: str, takes_seal: bool) -> None:
    place = {"first": 1, "middle": stage.last // 2, "last": stage.last}[where]
    gone = record(stage, rows, place)["id"]
    rows[LOG] = [row for row in rows[LOG] if row["id"] != gone]
    if takes_seal:
        rows[SEAL] = [row for row in rows[SEAL] if row["sequence"] != place]
        stage.put(rows)
        for report in (stage.in_place(), of_lines(stage.items())):
            assert f"row {place}: row {place} was removed" in [str(finding) for finding in report.findings]
        return
    assert_found(stage, rows, place, gone, "was removed; its seal is still there")


def test_a_record_under_another_id(stage: Stage, rows: Rows) -> None:
    row = record(stage, rows, 5)
    old, row["id"] = row["id"], new_id()
    assert_found(stage, rows, 5, old, "was removed")
    seal(rows, 5)["record_id"] = row["id"]
    assert_found(stage, rows, 5, row["id"], EDITED)


def test_an_inserted_row_that_moves_the_others_on(stage: Stage, rows: Rows) -> None:
    for row in rows[SEAL]:
        row["sequence"] += row["sequence"] >= 7
    added(rows, record(stage, rows, 3), 7)
    assert_found(stage, rows, 8, stage.seals[6]["record_id"], EDITED)


def test_an_inserted_row_with_all_hashes_made_anew(stage: Stage, rows: Rows) -> None:
    signed = [row["sequence"] for row in sorted(rows[CHECKPOINT], key=lambda row: row["number"])]
    for row in rows[SEAL]:
        row["sequence"] += row["sequence"] > signed[0]
    added(rows, record(stage, rows, 3), signed[0] + 1)
    hashed_anew(rows, signed[0] + 1)
    stage.put(rows)
    for report in (stage.in_place(), of_lines(stage.items())):
        assert f"rows {signed[0] + 1} to {signed[1]} are not those that checkpoint 2 signed" in str(report.findings[0])


def test_two_that_changed_places(stage: Stage, rows: Rows) -> None:
    seals = seal(rows, 6), seal(rows, 7)
    for name in ("record_id", "personal_hash", "salt"):
        seals[0][name], seals[1][name] = seals[1][name], seals[0][name]
    assert_found(stage, rows, 6, stage.seals[6]["record_id"], EDITED)


def test_swapped_salts(stage: Stage, rows: Rows) -> None:
    first, second = stage.of(stage.bob), stage.of(stage.bob, which=1)
    seal(rows, first["sequence"])["salt"], seal(rows, second["sequence"])["salt"] = second["salt"], first["salt"]
    assert_found(stage, rows, first["sequence"], first["record_id"], PERSONAL)


def cut(rows: Rows, last: int) -> None:
    """Remove the end, and whatever of the database says that there was one."""
    gone = {row["record_id"] for row in rows[SEAL] if row["sequence"] > last}
    rows[LOG] = [row for row in rows[LOG] if row["id"] not in gone]
    rows[SEAL] = [row for row in rows[SEAL] if row["sequence"] <= last]
    rows[CHAIN][0].update(sequence=last, hash=seal(rows, last)["hash"])


def test_an_end_that_was_cut_off(stage: Stage, rows: Rows) -> None:
    cut(rows, stage.last - 2)
    stage.put(rows)
    expected = f"row {stage.last - 1}: rows {stage.last - 1} to {stage.last} were removed"
    for report in (stage.in_place(), of_lines(stage.items())):
        assert expected in [str(finding) for finding in report.findings]


def test_an_end_that_was_cut_off_with_its_checkpoints_is_found_by_one_that_was_kept(stage: Stage, rows: Rows) -> None:
    cut(rows, next(row["sequence"] for row in rows[CHECKPOINT] if row["number"] == 3))
    rows[CHECKPOINT] = [row for row in rows[CHECKPOINT] if row["number"] <= 3]
    stage.put(rows)
    # Nothing in the trail itself can tell; docs/audit.md says so.
    assert stage.in_place(stage.keys).is_whole
    kept = stage.checkpoints[:1]
    what = f"checkpoint {kept[0]['number']}, which the auditor kept, is not in the trail: its end was cut off"
    assert_found(stage, rows, stage.last, "", what, kept=kept)


def test_an_end_that_was_cut_off_behind_a_forged_checkpoint(stage: Stage, rows: Rows) -> None:
    cut(rows, stage.last - 2)
    forger = Ed25519PrivateKey.generate()
    last = dict(rows[CHECKPOINT][-1])
    rows[CHECKPOINT] = [row for row in rows[CHECKPOINT] if row["sequence"] <= stage.last - 2]
    everything = deepcopy(rows)
    everything[CHECKPOINT].append({**last, "number": 9, "sequence": stage.last - 2})
    signed_anew(everything, forger)
    rows[CHECKPOINT].append(everything[CHECKPOINT][-1])
    rows[KEY] = everything[KEY]
    number = rows[CHECKPOINT][-1]["number"]
    stage.put(rows)
    for report in (stage.in_place(stage.keys), of_lines(stage.items(), stage.keys)):
        told = [str(finding) for finding in report.findings]
        assert any(f"checkpoint {number} is signed by a key that is not trusted" in line for line in told), told


def test_an_edit_with_all_hashes_made_anew_but_without_the_key(stage: Stage, rows: Rows) -> None:
    place = stage.of(stage.bob)["sequence"]
    record(stage, rows, place)["success"] = False
    hashed_anew(rows)
    signed = sorted(row["sequence"] for row in rows[CHECKPOINT])
    last = next(sequence for sequence in signed if sequence >= place)
    stage.put(rows)
    for report in (stage.in_place(), of_lines(stage.items())):
        assert report.findings[0].sequence == last
        assert f"to {last} are not those that checkpoint" in report.findings[0].what


def test_everything_made_anew_with_another_key(stage: Stage, rows: Rows) -> None:
    record(stage, rows, stage.of(stage.bob)["sequence"])["success"] = False
    hashed_anew(rows)
    signed_anew(rows, Ed25519PrivateKey.generate())
    stage.put(rows)
    items = stage.items()
    for report in (stage.in_place(), of_lines(items)):
        # It says itself that this proves nothing.
        assert report.is_whole
        assert "The keys are the trail's own" in report.told()[-1]
    for report in (stage.in_place(stage.keys), of_lines(items, stage.keys)):
        assert "is signed by a key that is not trusted" in report.findings[0].what
    for report in (stage.in_place(kept=stage.checkpoints), of_lines(items, kept=stage.checkpoints)):
        assert "is not the one that the auditor kept" in report.findings[0].what


def test_a_checkpoint_that_was_edited_or_removed(stage: Stage, rows: Rows) -> None:
    second = next(row for row in rows[CHECKPOINT] if row["number"] == 2)
    second["signed_at"] += timedelta(days=1)
    assert_found(stage, rows, None, "", "checkpoint 2 was edited")  # type: ignore[arg-type]
    rows[CHECKPOINT].remove(second)
    assert_found(stage, rows, None, "", "checkpoint 3 follows checkpoint 1")  # type: ignore[arg-type]


def test_an_end_with_a_deletion_cannot_be_cut_off_unseen(stage: Stage, rows: Rows) -> None:
    """What was erased for it stands without a reason then."""
    cut(rows, next(row["sequence"] for row in rows[CHECKPOINT] if row["number"] == 2))
    rows[CHECKPOINT] = [row for row in rows[CHECKPOINT] if row["number"] <= 2]
    place = stage.of(stage.ada)
    assert_found(stage, rows, place["sequence"], place["record_id"], "was blanked as if erased")


def blank(stage: Stage, rows: Rows, place: dict[str, Any]) -> dict[str, Any]:
    row = record(stage, rows, place["sequence"])
    row.update(actor="", ip="", user_agent="", details={})
    seal(rows, place["sequence"])["salt"] = ""
    return row


def test_a_row_blanked_as_if_erased(stage: Stage, rows: Rows) -> None:
    place = stage.of(stage.bob)
    blank(stage, rows, place)
    assert_found(stage, rows, place["sequence"], place["record_id"], "was blanked as if erased")


def test_a_row_of_nobody_blanked_as_if_erased(stage: Stage, rows: Rows) -> None:
    place = next(each for each in stage.seals if stage.log[each["record_id"]]["action"] == Event.CLIENT_CREATED)
    blank(stage, rows, place)
    assert_found(stage, rows, place["sequence"], place["record_id"], "was blanked as if erased")


def test_a_deletion_nobody_made_is_told_by_the_account_that_exists(stage: Stage, rows: Rows) -> None:
    """Whoever can write records before they are sealed can say anything; the account is still there."""
    like = record(stage, rows, stage.of(stage.ada, which=-1)["sequence"])
    assert like["action"] == Event.ACCOUNT_DELETED
    rows[LOG].append({**like, "id": new_id(), "user_id": stage.bob})
    stage.put(rows)
    with stage.app.app_context():
        stage.seal()
    found = stage.in_place().findings
    assert "says that an account was deleted which exists" in [finding.what for finding in found]
    # Nor did sealing erase anything for it.
    assert [row["actor"] for row in stage.rows()[LOG] if row["user_id"] == stage.bob].count(stage.bob) > 4


def test_an_erasure_that_was_undone(stage: Stage, rows: Rows) -> None:
    place = stage.of(stage.ada)
    record(stage, rows, place["sequence"]).update(stage.before[place["record_id"]])
    assert_found(stage, rows, place["sequence"], place["record_id"], "is erased, and was filled in again")
    seal(rows, place["sequence"])["salt"] = stage.salts[place["record_id"]]
    assert_found(stage, rows, place["sequence"], place["record_id"], "an erasure was undone")


def test_a_record_that_was_never_sealed(stage: Stage, rows: Rows) -> None:
    record_id = new_id()
    rows[LOG].append({**rows[LOG][0], "id": record_id, "created_at": stage.clock() - timedelta(hours=2)})
    stage.put(rows)
    (finding,) = stage.in_place().findings
    assert finding.what == f"record {record_id} was never sealed: sealing does not run, or it was added"


def test_a_beginning_that_was_removed(stage: Stage, rows: Rows) -> None:
    first = next(row for row in rows[CHECKPOINT] if row["number"] == 1)
    gone = {row["record_id"] for row in rows[SEAL] if row["sequence"] <= first["sequence"]}
    rows[LOG] = [row for row in rows[LOG] if row["id"] not in gone]
    rows[SEAL] = [row for row in rows[SEAL] if row["sequence"] > first["sequence"]]
    rows[CHAIN][0].update(anchor_sequence=first["sequence"], anchor_hash=first["hash"])
    stage.put(rows)
    assert "the rows before were removed, and no removal is on record" in stage.in_place().findings[0].what
    report = of_lines(stage.items())
    assert (report.is_whole, report.is_extract) == (True, True)
    rows[CHAIN][0].update(anchor_sequence=first["sequence"] - 1)
    stage.put(rows)
    assert not of_lines(stage.items()).is_whole


def lines_moved(items: list[Any], first: int, second: int) -> None:
    items[first], items[second] = items[second], items[first]


def place_of(items: list[Any], sequence: int) -> int:
    return next(i for i, item in enumerate(items) if item["kind"] == "row" and item["sequence"] == sequence)


def test_what_is_done_to_a_file(stage: Stage) -> None:
    """Lines that were swapped, doubled, added, cut or made ambiguous."""
    whole = stage.items()
    where = place_of(whole, 5)

    def found(change: Any) -> list[str]:
        items = deepcopy(whole)
        change(items)
        return [str(finding) for finding in of_lines(items).findings]

    five = f"row 5 ({whole[where]['id']})"
    assert f"{five}: was moved: it stands behind row 6" in found(lambda items: lines_moved(items, where, where + 1))
    assert f"{five}: was inserted: there is another row of its place" in found(
        lambda items: items.insert(where, items[where])
    )
    forged = {**whole[where], "success": not whole[where]["success"]}
    assert f"{five}: was inserted: there is another row of its place" in found(
        lambda items: items.insert(where, {**forged, "id": whole[where]["id"]})
    )
    assert "row 5: row 5 was removed" in found(lambda items: items.pop(where))
    assert "the trail has no end: it was cut off, or is no trail" in found(
        lambda items: items.__delitem__(slice(-3, None))
    )
    assert "the trail does not begin with its heading" in found(lambda items: items.pop(0))
    assert any("stands behind the end" in line for line in found(lambda items: items.append(items[where])))
    assert any("malformed" in line for line in found(lambda items: items[where].update(more=1)))
    assert any("malformed" in line for line in found(lambda items: items[where].update(sequence=True)))
    assert any("malformed" in line for line in found(lambda items: items.insert(3, [])))
    assert of_lines([]).findings[0].what == "the trail has no end: it was cut off, or is no trail"


def test_a_file_that_was_cut_off_says_so_however_many_rows_it_shows_in(stage: Stage) -> None:
    """Rows were erased for accounts whose deletion stood at the end: each is told, and so is what became of the end."""
    items = stage.items()
    row = items[place_of(items, 5)]
    blanked = {**row, "actor": "", "ip": "", "user_agent": "", "details": {}, "salt": ""}
    findings = of_lines([items[0], *[blanked] * 70]).findings
    assert len(findings) == MOST_SHOWN
    assert "the trail has no end: it was cut off, or is no trail" in map(str, findings)
