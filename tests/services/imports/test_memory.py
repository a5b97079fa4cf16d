"""A file may be as long as it likes: only a row's address is remembered, in a few bytes."""

import io
import tracemalloc
from collections.abc import Iterator

from flask import Flask

from app.services.imports.imports import Wishes
from app.services.imports.judging import Action
from app.services.imports.sheets import Form
from tests.services.imports.files import CALLER, jsonl, services_of


def test_memory_does_not_grow_with_the_file(app: Flask) -> None:
    """Rows are refused for want of a plan, so that there is nothing to write; about a hundred bytes of each stay."""

    class File(io.RawIOBase):
        def __init__(self, rows: Iterator[bytes]) -> None:
            self.rows = rows

        def readline(self, size: int | None = -1, /) -> bytes:
            return next(self.rows, b"")

    def lines(count: int) -> Iterator[bytes]:
        padding = "x" * 2000
        return (jsonl([{"email": f"p{n}@example.com", "plan": "gold", "name": padding}]) for n in range(count))

    def peak(count: int) -> int:
        with app.app_context():
            tracemalloc.start()
            run = services_of(app).imports.begin(File(lines(count)), Form.JSONL, CALLER, Wishes(is_rehearsal=True))  # type: ignore[arg-type]
            for _ in run:
                pass
            found = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert run.counts[Action.REFUSED] == count
        return found

    peak(100)
    few, many = peak(200), peak(1000)
    assert many - few < 800 * 300
