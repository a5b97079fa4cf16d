"""Makes square JPEGs of what was sent as a picture. A program: it reads bytes, writes pictures or a reason, and ends.

It runs apart from the portal (:mod:`app.services.photos.studio`), knows nothing of it and imports nothing of it:
decoders are where pictures attack, so this process has little memory, little time, no secrets, and may write no file.

Out: a line of JSON, ``{"lengths": [...]}`` followed by the pictures, or ``{"reason": "..."}``, one of :data:`REASONS`.
"""

import json
import resource
import sys
import warnings
from io import BytesIO

from PIL import (
    AvifImagePlugin,
    GifImagePlugin,
    Image,
    ImageCms,
    JpegImagePlugin,
    PngImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

DECODERS = (JpegImagePlugin, PngImagePlugin, WebPImagePlugin, GifImagePlugin, AvifImagePlugin)
"""What is read; each registers itself, and no other one is there."""
FORMATS = tuple(name for name in ("JPEG", "PNG", "WEBP", "GIF", "AVIF") if name in Image.OPEN)
SIZES = (64, 192, 512)
SMALLEST = 64
"""Pixels of the shorter side: less is no picture of anybody."""
MOST_PIXELS = {"JPEG": 50_000_000, "MPO": 50_000_000}
"""Telephones take pictures of 48 million; a JPEG is read at a fraction of its size, whatever that is."""
MOST_OTHER_PIXELS = 25_000_000
MOST_SCANS = 100
"""Of a progressive JPEG. Each is gone through for the whole picture, and some ten bytes are enough for one."""
LIMITS = (
    (resource.RLIMIT_AS, 640 * 1024 * 1024),
    (resource.RLIMIT_CPU, 10),
    (resource.RLIMIT_FSIZE, 0),
    (resource.RLIMIT_CORE, 0),
)
"""Bytes, seconds, bytes, bytes; less where the system sets less."""
BEGINNINGS = ((0, b"\xff\xd8\xff"), (0, b"\x89PNG\r\n\x1a\n"), (8, b"WEBP"), (0, b"GIF8"), (4, b"ftypavif"))
REASONS = ("not_a_picture", "too_large", "too_small", "broken")
QUALITY = 88
WHITE = (255, 255, 255)
ORIENTATION = 0x0112
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What is done to a picture whose camera was held so (Exif 2.32, tag 274)."""


class Unusable(Exception):
    """No picture can be made of it; the reason is one of :data:`REASONS`."""


def pictures(data: bytes) -> list[bytes]:
    """A JPEG for each of :data:`SIZES`: square, upright, sRGB, without anything but its pixels. Raises Unusable."""
    try:
        return _encoded(_square(_opened(data)))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError):
        raise Unusable("too_large") from None
    except Unusable:
        raise
    except Exception:  # noqa: BLE001 decoders raise whatever they like over what is broken
        raise Unusable("broken") from None


def _opened(data: bytes) -> Image.Image:
    """The first picture in it, of which only the head was read; judged by what it is, whatever it is called."""
    try:
        source = Image.open(BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        is_begun = any(data.startswith(mark, at) for at, mark in BEGINNINGS)
        raise Unusable("broken" if is_begun else "not_a_picture") from None
    width, height = source.size
    if width * height > MOST_PIXELS.get(source.format or "", MOST_OTHER_PIXELS):
        raise Unusable("too_large")
    if min(width, height) < SMALLEST:
        raise Unusable("too_small")
    # Within what is compressed no such bytes occur (ITU-T T.81 section B.1.1.5).
    if source.format in MOST_PIXELS and data.count(b"\xff\xda") > MOST_SCANS:
        raise Unusable("broken")
    # A JPEG is decoded at an eighth, a quarter or half of its size if that is enough.
    source.draft(None, (2 * SIZES[-1], 2 * SIZES[-1]))
    source.load()
    return source


def _square(source: Image.Image) -> Image.Image:
    """The middle of it, as large as the largest picture to be made, upright and in sRGB on white."""
    profile, turn = source.info.get("icc_profile"), UPRIGHT.get(_orientation(source))
    side = min(source.size)
    left, top = (source.width - side) // 2, (source.height - side) // 2
    plain = _plain(source)
    small = plain.resize(
        (SIZES[-1], SIZES[-1]), Image.Resampling.LANCZOS, (left, top, left + side, top + side), reducing_gap=3.0
    )
    if turn is not None:
        small = small.transpose(turn)
    canvas = Image.new("RGB", small.size, WHITE)
    if small.mode == "RGBA":
        canvas.paste(_in_srgb(small.convert("RGB"), profile), mask=small.getchannel("A"))
    else:
        canvas.paste(_in_srgb(small, profile))
    return canvas


def _orientation(source: Image.Image) -> int:
    """How the camera was held; 1 also where what it wrote cannot be read, for that breaks no picture."""
    try:
        return int(source.getexif().get(ORIENTATION, 1))
    except Exception:  # noqa: BLE001 as for the picture itself
        return 1


def _plain(source: Image.Image) -> Image.Image:
    """The same in one of the modes that can be made smaller: L, RGB, RGBA, CMYK."""
    if source.mode.startswith("I"):
        return source.point(lambda value: value * (1 / 256)).convert("L")  # grey of 16 bits
    if source.mode in {"L", "RGB", "CMYK", "YCbCr"} and "transparency" not in source.info:
        return source.convert("RGB") if source.mode == "YCbCr" else source
    if source.mode in {"RGBA", "LAB"}:
        return source if source.mode == "RGBA" else source.convert("RGB")
    return source.convert("RGBA")


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Its colours as screens show them that know nothing of profiles; a profile that cannot be used is none."""
    if profile:
        try:
            found = ImageCms.ImageCmsProfile(BytesIO(profile))
            converted = ImageCms.profileToProfile(picture, found, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            converted = None
        if converted is not None:
            return converted
    return picture.convert("RGB")


def _encoded(square: Image.Image) -> list[bytes]:
    made = []
    for size in SIZES:
        picture = square if size == square.width else square.resize((size, size), Image.Resampling.LANCZOS)
        out = BytesIO()
        picture.save(out, "JPEG", quality=QUALITY, optimize=True)
        made.append(out.getvalue())
    return made


def main() -> None:
    """Do it, within limits."""
    # Before anything is read that somebody else has made.
    for kind, most in LIMITS:
        _, hard = resource.getrlimit(kind)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))
    Image.MAX_IMAGE_PIXELS = max(MOST_PIXELS.values())
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        made = pictures(sys.stdin.buffer.read())
    except Unusable as refusal:
        answer = json.dumps({"reason": str(refusal)}).encode() + b"\n"
    else:
        answer = json.dumps({"lengths": [len(each) for each in made]}).encode() + b"\n" + b"".join(made)
    sys.stdout.buffer.write(answer)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
