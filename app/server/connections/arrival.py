"""What has come of a request: whether all of it is there, told from its bytes alone.

Nothing is parsed twice: these are the few questions the server has before gunicorn's parser sees a request. Where a
length is doubtful the request counts as being there, and the parser refuses it.
"""

import re
from enum import Enum, auto

LONGEST_HEAD = 65536
"""Bytes of a request line with its fields; more is refused whatever they say."""
LONGEST_LINE = 8192
"""Bytes of a request line: the parser refuses any that is longer."""
FRAMING = re.compile(rb"\r\n(content-length|transfer-encoding):[ \t]*([^\r\n]*)", re.IGNORECASE)
EXPECTATION = re.compile(rb"[^\r\n]* HTTP/1\.1\r\n(?:.*\r\n)?expect:", re.IGNORECASE | re.DOTALL)
CHUNK = re.compile(rb"([0-9a-f]+)[ \t]*(?:;[^\r\n]*)?\r\n", re.IGNORECASE)
TRAILERS = re.compile(rb"(?:[^\r\n]+\r\n)*\r\n")


class Stage(Enum):
    """How far a request has come."""

    BEGUN = auto()
    WHOLE = auto()
    """All of it is there, or what is there can only be refused."""
    TOO_LONG = auto()
    """The head is there; the body is longer than anything that is taken."""


class Arrival:
    """The bytes of one request as they come, and with the last of them perhaps some of the next one."""

    __slots__ = ("_at", "_head", "_is_told", "_length", "_longer", "_longest", "_usual", "bytes", "end", "is_chunked")

    def __init__(self, longest_body: int, begun: bytes = b"", longer: tuple[tuple[bytes, int], ...] = ()) -> None:
        self._longest = self._usual = longest_body
        self._longer = longer
        self.bytes = bytearray(begun)
        self.end: int | None = None
        """Where the request ends; None while that is not known, and for one that can only be refused."""
        self.is_chunked = False
        self._at = 0  # up to where was looked: of the head, then of the chunks
        self._head = 0  # where the head ends, once it is there
        self._length = 0  # of a body, where it is stated; less than that if nobody can tell
        self._is_told = False

    @property
    def has_head(self) -> bool:
        """Whether the request line and all fields are there."""
        return self._head > 0

    @property
    def is_long(self) -> bool:
        """Whether more has come than most requests may have."""
        return len(self.bytes) > self._usual + LONGEST_HEAD

    def stage(self) -> Stage:
        """How far it has come, given the bytes so far."""
        if not self.has_head:
            end = self.bytes.find(b"\r\n\r\n", max(0, self._at - 3))
            if end < 0:
                self._at = len(self.bytes)
                return Stage.WHOLE if self._at > LONGEST_HEAD or self._has_bare_newline(self._at) else Stage.BEGUN
            self._read(end + 4)
        if self._length < 0 or self.end is not None:
            return Stage.WHOLE
        if self.is_chunked:
            return self._stage_of_chunks()
        if self._length > self._longest:
            return Stage.TOO_LONG
        if len(self.bytes) < self._head + self._length:
            return Stage.BEGUN
        self.end = self._head + self._length
        return Stage.WHOLE

    def add(self, more: bytes) -> None:
        """Take what has come; an empty line before a request is none of it (:rfc:`9112#section-2.2`)."""
        self.bytes += more if self.bytes else more.removeprefix(b"\r\n")

    def asked(self) -> bytes:
        """Method and target as they were sent."""
        return bytes(self.bytes[: max(self.bytes.find(b" HTTP/", 0, LONGEST_LINE), 0)])

    def is_held_back(self) -> bool:
        """Whether the sender may wait to be told to send the body; true once (:rfc:`9110#section-10.1.1`)."""
        if not self.has_head or self._is_told:
            return False
        self._is_told = True
        return EXPECTATION.match(self.bytes, 0, self._head) is not None

    def _has_bare_newline(self, end: int) -> bool:
        return self.bytes.count(b"\n", 0, end) != self.bytes.count(b"\r\n", 0, end)

    def _read(self, end_of_head: int) -> None:
        """Find out from the fields how the request ends."""
        self._head = self._at = end_of_head
        asked = self.asked().partition(b"?")[0]
        self._longest = next((most for request, most in self._longer if request == asked), self._usual)
        fields = FRAMING.findall(self.bytes, 0, end_of_head - 2)
        if end_of_head > LONGEST_HEAD or self._has_bare_newline(end_of_head):
            self._length = -1
        if not fields or self._length < 0:
            return
        name, value = fields[0][0].lower(), fields[0][1].strip(b" \t")
        if len(fields) == 1 and name == b"content-length" and value.isdigit():
            # Nine digits are far more than is taken; Python refuses to convert some thousand.
            self._length = int(value.lstrip(b"0")[:9] or b"0")
        elif len(fields) == 1 and name == b"transfer-encoding" and value.lower() == b"chunked":
            self.is_chunked = True
        else:
            self._length = -1

    def _stage_of_chunks(self) -> Stage:
        """Whether the last chunk is there, or there will never be one (:rfc:`9112#section-7.1`)."""
        while chunk := CHUNK.match(self.bytes, self._at):
            size = int(chunk[1], 16)
            if size == 0:
                return self._stage_of_trailers(chunk.end())
            next_chunk = chunk.end() + size + 2
            if len(self.bytes) < next_chunk:
                return self._unless_too_long(next_chunk)
            if self.bytes[next_chunk - 2 : next_chunk] != b"\r\n":
                return Stage.WHOLE
            self._at = next_chunk
        return Stage.WHOLE if self.bytes.find(b"\n", self._at) >= 0 else self._unless_too_long()

    def _stage_of_trailers(self, start: int) -> Stage:
        if trailers := TRAILERS.match(self.bytes, start):
            self.end = trailers.end()
            return Stage.WHOLE
        return Stage.WHOLE if self.bytes.find(b"\r\n\r\n", start - 2) >= 0 else self._unless_too_long()

    def _unless_too_long(self, announced: int = 0) -> Stage:
        return Stage.TOO_LONG if max(len(self.bytes), announced) > self._longest + LONGEST_HEAD else Stage.BEGUN
