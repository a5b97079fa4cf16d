"""Files of people as a stream of rows: CSV (:rfc:`4180`, with a header) or one JSON object a line, in UTF-8.

Never more than a line is held, and none is longer than :data:`LONGEST_LINE`. What is wrong with a row is said of that
row; where it cannot be told where the next one begins, the file ends there.
"""

import csv
import enum
import hashlib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from app.errors import InvalidInput, sentence
from app.services.foundation.json_objects import json_object

LONGEST_LINE = 64 << 10
"""Bytes."""
UTF8, NUL = b"\xef\xbb\xbf", b"\x00"
NOT_UTF8 = sentence("This file is not in UTF-8. Save it as UTF-8 and try again.")
EMPTY = sentence("There is nothing in this file.")
NO_EMAIL = sentence("The first row has to name the columns, and that of the e-mail has to be among them.")
UNKNOWN_COLUMN = sentence("The first row names a column that is not known, so nothing was read.")
REPEATED_COLUMN = sentence("The first row names a column twice, so nothing was read.")
BROKEN = sentence("From this row on the file cannot be read: a quotation mark or a line is out of place.")
TOO_LONG = sentence("From this row on the file cannot be read: a line is longer than 64 KiB.")
OTHER_WIDTH = sentence("This row has not as many cells as the first one.")
NO_OBJECT = sentence("This line is not one JSON object in UTF-8.")
UNKNOWN_MEMBER = sentence("This line names something that is not known.")


class Form(enum.StrEnum):
    """How a file is written."""

    CSV = "csv"
    JSONL = "jsonl"


@dataclass(frozen=True, slots=True)
class Line:
    """A row as the file has it: what it says, without what it leaves empty; or why it says nothing.

    The first row of a file is 1, as spreadsheets count; of JSON lines, the first line.
    """

    number: int
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    problem: str = ""


class _TooLong(Exception):
    """A line that is not read to its end."""


class Sheet:
    """A file of people; raises :class:`InvalidInput` where it cannot be one. ``sha256`` is known once it was read."""

    def __init__(self, stream: IO[bytes], form: Form, columns: Sequence[str]) -> None:
        self._stream = stream
        self._columns = frozenset(columns)
        self._hash = hashlib.sha256()
        first = self._read()
        if NUL in first or first.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise InvalidInput(NOT_UTF8, "file")
        first = first.removeprefix(UTF8)
        if not first.strip():
            raise InvalidInput(EMPTY, "file")
        self._lines = self._of_csv(first) if form is Form.CSV else self._of_json(first)

    def __iter__(self) -> Iterator[Line]:
        """Each row, once; then the file has been read to its end, whatever its rows are."""
        yield from self._lines
        while self._read():
            pass

    @property
    def sha256(self) -> str:
        """Of the bytes of the file, in hexadecimal digits."""
        return self._hash.hexdigest()

    def _read(self) -> bytes:
        line = self._stream.readline(LONGEST_LINE + 1)
        self._hash.update(line)
        return line

    def _whole_lines(self, first: bytes) -> Iterator[bytes]:
        line = first
        while line:
            if len(line) > LONGEST_LINE:
                raise _TooLong
            yield line
            line = self._read()

    def _of_csv(self, first: bytes) -> Iterator[Line]:
        texts = (line.decode("utf-8", "surrogateescape") for line in self._whole_lines(first))
        rows = csv.reader(texts, strict=True)
        try:
            names = self._header(next(rows))
        except (csv.Error, _TooLong, StopIteration):
            raise InvalidInput(NO_EMAIL, "file") from None
        return self._rows(rows, names)

    def _rows(self, rows: Iterator[list[str]], names: Sequence[str]) -> Iterator[Line]:
        number = 1
        try:
            for number, cells in enumerate(rows, start=2):
                if len(cells) == len(names):
                    yield Line(number, {name: cell for name, cell in zip(names, cells, strict=True) if cell})
                elif cells:
                    yield Line(number, problem=OTHER_WIDTH)
        except csv.Error:
            yield Line(number + 1, problem=BROKEN)
        except _TooLong:
            yield Line(number + 1, problem=TOO_LONG)

    def _header(self, cells: Sequence[str]) -> list[str]:
        names = [unicodedata.normalize("NFKC", cell).strip().lower() for cell in cells]
        if "email" not in names:
            raise InvalidInput(NO_EMAIL, "file")
        if not self._columns.issuperset(names):
            raise InvalidInput(UNKNOWN_COLUMN, "file")
        if len(set(names)) < len(names):
            raise InvalidInput(REPEATED_COLUMN, "file")
        return names

    def _of_json(self, first: bytes) -> Iterator[Line]:
        number = 0
        try:
            for number, line in enumerate(self._whole_lines(first), start=1):
                if line.strip():
                    yield self._object(number, line)
        except _TooLong:
            yield Line(number + 1, problem=TOO_LONG)

    def _object(self, number: int, line: bytes) -> Line:
        try:
            said = json_object(line)
        except ValueError:
            return Line(number, problem=NO_OBJECT)
        if not self._columns.issuperset(said):
            return Line(number, problem=UNKNOWN_MEMBER)
        return Line(number, {name: value for name, value in said.items() if value is not None and value != ""})
