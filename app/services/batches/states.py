"""What batches are made of, and what has become of them."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


class Kind(enum.StrEnum):
    """What a batch is made of."""

    SELECTION = "selection"
    IMPORT = "import"


class State(enum.StrEnum):
    """What has become of a batch: ``ready`` waits for a word, ``rehearsing`` reads a file and writes nothing."""

    REHEARSING = "rehearsing"
    READY = "ready"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"


class Result(enum.StrEnum):
    """What became of somebody who was chosen."""

    DONE = "done"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as its administrator sees it; ``total`` is 0 for a file that was not read to its end yet."""

    id: str
    kind: Kind
    state: State
    wishes: Mapping[str, Any]
    total: int
    done: int
    counts: Mapping[str, int]
    problem: str
    created_at: datetime
    finished_at: datetime | None

    @property
    def is_under_way(self) -> bool:
        """Whether something happens by itself."""
        return self.state in {State.REHEARSING, State.RUNNING}


@dataclass(frozen=True, slots=True)
class BatchLine:
    """What became of one; ``reasons`` are sentences with the column of a file they are about and what is in them."""

    number: int
    user_id: str | None
    email: str
    result: str
    reasons: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Foresight:
    """How many people something would be done to, and how many not, by reason; ``moved`` are logged out by it."""

    people: int
    skipped: Mapping[str, int]
    moved: int = 0


def shown(row: Any) -> Batch:
    """A batch of a row of its table."""
    return Batch(
        row.id,
        Kind(row.kind),
        State(row.state),
        row.wishes,
        row.total,
        row.done,
        row.counts,
        row.problem,
        row.created_at,
        row.finished_at,
    )
