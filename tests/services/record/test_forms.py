"""The form records are hashed in: one table of vectors for who seals, who verifies, and the auditor's program."""

import json
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.services.record import canonical, forms
from tests.servers import PROJECT_ROOT
from tools import verify_audit

MARK = "# ---- a copy of this is in tools/verify_audit.py ----\n"
SALT, BEGINNING = "00112233445566778899aabbccddeeff", "0" * 64
PLAIN: dict[str, Any] = {
    "id": "8abf2138-ada8-4224-ab45-b00a0e799da4",
    "action": "account:login:succeeded",
    "client_id": "maxlab",
    "user_id": "5e02526c-1bdc-4600-a404-8a3bc7191a11",
    "actor": "5e02526c-1bdc-4600-a404-8a3bc7191a11",
    "success": True,
    "error_code": None,
    "ip": "203.0.113.7",
    "user_agent": "Firefox/130",
    "details": {},
    "created_at": datetime(2026, 1, 31, 12, 30, 1, 5, tzinfo=UTC),
}
# What changes, the hash of the personal part, the hash of the row; docs/audit.md has the first of them.
VECTORS: list[tuple[dict[str, Any], str, str]] = [
    (
        {},
        "e5885089c71c505eccb445ee75d0c199d094f0aa3cf6692624bb8b592fd0dea5",
        "2820798755f08fcd982c6e1177d4a84efcdb8609b7d9e1d9ea4ed867e91d985f",
    ),
    (
        {"success": False, "error_code": "x", "client_id": None, "user_id": None},
        "e5885089c71c505eccb445ee75d0c199d094f0aa3cf6692624bb8b592fd0dea5",
        "b288cfe13348e2eefceb0b0d5d3582ddebaf0713c1fd132c78cb0591d10e9157",
    ),
    (
        {"actor": "가나\u1112\u1161", "user_agent": 'a"\\\r\n\x1b\x7f\x9b\u2028\U0001f600'},
        "877a8122425b9ce87ee13ad8c851efb0633bd42e5dcef7e41155cd8f283d451e",
        "b6beb8fb65ffe5fa8de80bf75cd04c78fa8a691910feaf46b0c0cce0597670ca",
    ),
    (
        {"details": {"b": 1, "a": [True, None, -5, "é"], "가": {"z": "", "y": 0}}},
        "990fa2cd508c93cdd29b357d1b3ad96fa2032f7b126c9823dba052497e449e04",
        "b9562a7833f8b1418e79e928fcde3e57d424619179185a16c7a54a02986ad56a",
    ),
    (
        {"details": {"lone": "\ud800"}, "ip": "2001:db8::1"},
        "3cdd6c64aabf023de3c3b4decdf33439c5d6eed94b8f48b89644e115013530b3",
        "8209a328e89888eb80e148e582f5a94b34f7810c9e982e7bbf506d9d6c9dba54",
    ),
]


@pytest.mark.parametrize(("changes", "personal", "row"), VECTORS)
def test_all_hash_alike(changes: dict[str, Any], personal: str, row: str) -> None:
    record = SimpleNamespace(**{**PLAIN, **changes})
    details, record.details = record.details, json.dumps(record.details, ensure_ascii=False)
    added_at = "2026-02-01T00:00:00.000000Z"
    sealed = canonical.personal_hash(SALT, record)
    assert sealed == personal
    assert canonical.row_hash(BEGINNING, 1, record, sealed, added_at) == row
    item = {
        **vars(record),
        "details": details,
        "sequence": 1,
        "salt": SALT,
        "personal_hash": personal,
        "created_at": canonical.moment(record.created_at),
        "added_at": added_at,
    }
    # As it comes out of a file.
    item = json.loads(json.dumps(item))
    for verifier in (forms, verify_audit):
        assert verifier.personal_hash_of(item) == personal
        assert verifier.hash_of(item, BEGINNING) == row


def test_the_documents_vector_is_the_first() -> None:
    text = (PROJECT_ROOT / "docs/audit.md").read_text()
    assert VECTORS[0][1] in text
    assert VECTORS[0][2] in text


@pytest.mark.parametrize("name", ["forms", "verification"])
def test_the_auditors_program_holds_the_same_code(name: str) -> None:
    code = (PROJECT_ROOT / f"app/services/record/{name}.py").read_text().split(MARK)[1]
    below_imports = code[re.search(r"^[A-Z]", code, re.M).start() :]  # type: ignore[union-attr]
    assert below_imports.strip() in (PROJECT_ROOT / "tools/verify_audit.py").read_text()


def test_the_auditors_program_needs_nothing_else() -> None:
    text = (PROJECT_ROOT / "tools/verify_audit.py").read_text()
    named = set(re.findall(r"^(?:from|import) (\w+)", text, re.M))
    assert named - {"cryptography"} <= set(sys.stdlib_module_names)
    assert not Path(PROJECT_ROOT / "tools/__init__.py").exists()


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("plain", "plain"),
        ("=1+1", "'=1+1"),
        ("+82 10", "'+82 10"),
        ("-5", "'-5"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("＝1", "'＝1"),
        ("\t=1", "\\u0009=1"),
        ("\r\n=1", "\\u000d\\u000a=1"),
        ("x;=cmd|' /C calc'!A0", "x;'=cmd|' /C calc'!A0"),
        ('x", "=1', 'x", "\'=1'),
        ("\x1b[31m\x9b1m\u202e", "\\u001b[31m\\u009b1m\\u202e"),
        (True, "true"),
        (None, ""),
        ({"a": "-1", "b": -1}, '{"a": "\'-1", "b": -1}'),
    ],
)
def test_a_cell_is_no_formula_and_forges_no_line(text: Any, cell: str) -> None:
    assert forms.cell_of(text) == cell


def test_what_readers_of_a_csv_see_is_what_was_proven() -> None:
    item = {"kind": "gone", "sequence": 3, "id": "=x", "hash": "-"}
    cells = forms.cells_of(item)
    assert forms.item_of(cells) == item
    assert re.fullmatch(r"[\w-]+", cells[-1])
    for place in range(len(cells)):
        changed = [*cells[:place], f"{cells[place]}x", *cells[place + 1 :]]
        with pytest.raises(ValueError, match=r"."):
            forms.item_of(changed)
    with pytest.raises(ValueError, match="a member stands twice"):
        forms.parsed('{"success": false, "success": true}')
