"""Pictures as people and attackers send them, and what is made of them."""

import struct
import zlib
from functools import cache
from io import BytesIO
from typing import Any

from PIL import Image

RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 200, 30), (30, 30, 220), (255, 255, 255)
ORIENTATION, GPS, MAKE = 0x0112, 0x8825, 0x010F


def encoded(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """The picture as a file."""
    out = BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def plain(colour: Any = RED, size: tuple[int, int] = (300, 200), mode: str = "RGB") -> Image.Image:
    """A picture of one colour."""
    return Image.new(mode, size, colour)


def quarters(side: int = 400) -> Image.Image:
    """Red and green above, blue and white below: from left to right, so that it shows how it is turned."""
    picture = Image.new("RGB", (side, side), WHITE)
    half = side // 2
    for colour, place in ((RED, (0, 0)), (GREEN, (half, 0)), (BLUE, (0, half))):
        picture.paste(colour, (*place, place[0] + half, place[1] + half))
    return picture


def opened(content: bytes) -> Image.Image:
    """A picture that was made, whole."""
    picture = Image.open(BytesIO(content))
    picture.load()
    return picture


def is_near(found: Any, wanted: tuple[int, int, int], most: int = 12) -> bool:
    """Whether a colour is one but for what compression does to it."""
    return all(abs(one - other) <= most for one, other in zip(found, wanted, strict=True))


def corners(content: bytes) -> list[Any]:
    """Colours left and right above, left and right below."""
    picture = opened(content).convert("RGB")
    near, far = picture.width // 4, picture.width * 3 // 4
    return [picture.getpixel(place) for place in ((near, near), (far, near), (near, far), (far, far))]


def photograph(**tags: Any) -> bytes:
    """A JPEG as a telephone takes one: with where it was, and by what."""
    exif = Image.Exif()
    exif[MAKE] = "Spycam-3000"
    exif.get_ifd(GPS)[1], exif.get_ifd(GPS)[2] = "N", (37.0, 33.0, 59.0)
    for tag, value in tags.items():
        exif[int(tag.lstrip("_"))] = value
    return encoded(quarters(), "JPEG", exif=exif, comment=b"secret remark", quality=95)


def chunk(name: bytes, data: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


@cache
def bomb(side: int = 30000) -> bytes:
    """A good PNG of a few kilobytes that would be nearly a thousand million pixels."""
    packing = zlib.compressobj(9)
    row = bytes(1 + (side + 7) // 8)
    body = b"".join(packing.compress(row) for _ in range(side)) + packing.flush()
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def liar() -> bytes:
    """A PNG that says to be small, and inflates to far more than that."""
    body = zlib.compress(bytes(200_000_000), 9)
    head = struct.pack(">IIBBBBB", 100, 100, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def wordy() -> bytes:
    """A PNG whose remarks inflate to gigabytes."""
    remark = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(50_000_000), 9))
    good = encoded(plain(size=(100, 100)))
    return good[:33] + remark * 20 + good[33:]


def endless_scans(count: int = 5000) -> bytes:
    """A progressive JPEG that goes through the whole picture for every few bytes."""
    good = encoded(plain(size=(4000, 4000)), "JPEG", progressive=True)
    last = good.rindex(b"\xff\xda")
    scan = good[last:-2]
    return good[:-2] + scan * count + good[-2:]
