"""Drafts: kept sealed for half an hour, read by their id alone, and no harm where the store is away."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from app.services.foundation.environment import sha256
from app.services.foundation.sealing import Sealer
from app.services.sessions.drafts import LIFE_SECONDS, MOST_CHARACTERS, MOST_FIELDS, Drafts
from app.stores import KeyValueStore, StoreUnavailable, open_store

TYPED = {"full_name": "에이다", "bio": "first line\nsecond line"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[KeyValueStore]:
    found = open_store(f"sqlite:///{tmp_path}/store.db")
    yield found
    found.close()


@pytest.fixture
def drafts(store: KeyValueStore) -> Drafts:
    return Drafts(store, Sealer([Fernet.generate_key().decode()]))


def key_of(draft_id: str) -> str:
    return f"draft:{sha256(draft_id)}"


def test_a_draft_is_read_until_it_is_forgotten(drafts: Drafts) -> None:
    draft_id = drafts.keep(TYPED)
    assert drafts.read(draft_id) == drafts.read(draft_id) == TYPED
    drafts.forget(draft_id)
    assert drafts.read(draft_id) == {}


def test_a_draft_lives_for_half_an_hour(drafts: Drafts, store: KeyValueStore) -> None:
    draft_id = drafts.keep(TYPED)
    assert LIFE_SECONDS == 1800
    assert LIFE_SECONDS - 5 <= (store.peek_ttl(key_of(draft_id)) or 0) <= LIFE_SECONDS


def test_what_was_sealed_with_another_key_or_changed_is_no_draft(drafts: Drafts, store: KeyValueStore) -> None:
    draft_id = drafts.keep(TYPED)
    assert Drafts(store, Sealer([Fernet.generate_key().decode()])).read(draft_id) == {}
    store.put(key_of(draft_id), b"not sealed", 60)
    assert drafts.read(draft_id) == {}
    assert drafts.read("unknown") == {}


def test_more_than_a_person_types_is_not_kept(drafts: Drafts) -> None:
    assert drafts.keep({"bio": "x" * MOST_CHARACTERS}) != ""
    assert drafts.keep({"bio": "x" * (MOST_CHARACTERS + 1)}) == ""
    assert drafts.keep({str(number): "x" for number in range(MOST_FIELDS + 1)}) == ""


def test_without_a_store_nothing_is_kept_and_nothing_fails(drafts: Drafts, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise StoreUnavailable("down")

    draft_id = drafts.keep(TYPED)
    for name in ("put", "get", "delete"):
        monkeypatch.setattr(type(drafts._store), name, away)
    assert drafts.keep(TYPED) == ""
    assert drafts.read(draft_id) == {}
    drafts.forget(draft_id)
