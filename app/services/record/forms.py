"""What a trail consists of, item by item, and the form in which it is hashed and signed: docs/audit.md, in Python.

``tools/verify_audit.py``, which auditors run on an export, holds a copy of what stands below the line, and a test that
says so; that is why nothing but the standard library and ``cryptography`` is used here.
"""

# ---- a copy of this is in tools/verify_audit.py ----
import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

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
