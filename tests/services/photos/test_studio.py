"""What is made of pictures: judged by what they are, upright, square, without a trace of what else was in the file."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from PIL import Image, ImageCms, features

from app.errors import InvalidInput, Unavailable
from app.services.photos import studio as module
from app.services.photos.studio import REASONS, TOO_MANY_BYTES, Sizes, Studio
from tests.pictures import (
    BLUE,
    GREEN,
    RED,
    WHITE,
    bomb,
    corners,
    encoded,
    endless_scans,
    is_near,
    liar,
    opened,
    photograph,
    plain,
    quarters,
    wordy,
)

MOST = 5_000_000
SOON = 8.0
"""Seconds, also on a machine that has much else to do; what is feared takes minutes."""


def made(data: bytes) -> Sizes:
    return Studio(MOST).make(data)


def refused(data: bytes) -> str:
    with pytest.raises(InvalidInput) as refusal:
        made(data)
    assert refusal.value.field == "photo"
    return refusal.value.message


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "AVIF"])
def test_every_kind_is_made_three_square_jpegs(kind: str) -> None:
    assert features.check("avif"), "the wheel holds it"
    sizes = made(encoded(plain(), kind))
    for content, side in zip((sizes.small, sizes.medium, sizes.large), (64, 192, 512), strict=True):
        picture = opened(content)
        assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (side, side))
        assert is_near(picture.getpixel((side // 2, side // 2)), RED)


@pytest.mark.parametrize(
    ("mode", "colour", "shown"),
    [
        ("1", 1, WHITE),
        ("L", 120, (120, 120, 120)),
        ("LA", (0, 0), WHITE),
        ("LA", (40, 255), (40, 40, 40)),
        ("RGBA", (*RED, 255), RED),
        ("RGBA", (*RED, 0), WHITE),
        ("RGBA", (0, 0, 0, 128), (127, 127, 127)),
        ("I;16", 30000, (117, 117, 117)),
    ],
)
def test_every_way_to_hold_colours_ends_in_the_one_on_white(
    mode: str, colour: object, shown: tuple[int, int, int]
) -> None:
    found = opened(made(encoded(plain(colour, mode=mode))).large).getpixel((200, 200))
    assert is_near(found, shown)


def test_a_palette_with_a_colour_that_is_not_there_is_white_in_that_place() -> None:
    picture = quarters().quantize(8)
    clear = picture.getpixel((10, 10))
    found = corners(made(encoded(picture, "PNG", transparency=clear)).large)
    assert [is_near(*each) for each in zip(found, (WHITE, GREEN, BLUE, WHITE), strict=True)] == [True] * 4
    assert is_near(corners(made(encoded(picture, "GIF", transparency=clear)).large)[0], WHITE)


def test_print_colours_are_shown_as_screens_show_them() -> None:
    found = opened(made(encoded(plain((0, 255, 255, 0), mode="CMYK"), "JPEG")).large).getpixel((100, 100))
    assert found[0] > 180
    assert max(found[1:]) < 80


def test_a_profile_is_applied_and_a_broken_one_is_none() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    assert refused(b"") == REASONS["not_a_picture"]
    for profile in (lab, b"nonsense", ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()):
        picture = opened(made(encoded(plain(GREEN), "JPEG", icc_profile=profile)).large)
        assert "icc_profile" not in picture.info
        assert is_near(picture.getpixel((9, 9)), GREEN, 40)


def test_where_and_by_what_it_was_taken_is_gone() -> None:
    sent = photograph()
    assert b"Spycam" in sent
    sizes = made(sent)
    for content in (sizes.small, sizes.medium, sizes.large):
        picture = opened(content)
        assert dict(picture.getexif()) == {}
        assert set(picture.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        assert not any(trace in content for trace in (b"Spycam", b"secret", b"Exif", b"ICC_PROFILE"))


@pytest.mark.parametrize(
    ("orientation", "order"),
    [
        (1, "RGBW"),
        (2, "GRWB"),
        (3, "WBGR"),
        (4, "BWRG"),
        (5, "RBGW"),
        (6, "BRWG"),
        (7, "WGBR"),
        (8, "GWRB"),
    ],
)
def test_however_the_camera_was_held_it_is_upright(orientation: int, order: str) -> None:
    colours = {"R": RED, "G": GREEN, "B": BLUE, "W": WHITE}
    found = corners(made(photograph(_274=orientation)).large)
    assert [is_near(one, colours[letter], 30) for one, letter in zip(found, order, strict=True)] == [True] * 4


def test_what_a_camera_wrote_wrongly_breaks_no_picture() -> None:
    sent = photograph()
    at = sent.index(b"Exif\x00\x00") + 6
    for noise in (b"XX\x00\x00", sent[at : at + 4] + b"\xff\xff\xff\xff"):
        assert opened(made(sent[:at] + noise + sent[at + len(noise) :]).large).size == (512, 512)


def test_the_process_keeps_to_its_limits() -> None:
    program = "import resource, runpy, sys; sys.stdin.close(); module = runpy.run_path(sys.argv[1]); "
    program += "print([resource.getrlimit(kind) for kind, _ in module['LIMITS']])"
    main = program.replace("print", "sys.stdin = open('/dev/null'); module['main'](); print")
    told = subprocess.run([sys.executable, "-c", main, str(module.PROGRAM)], capture_output=True, text=True, check=True)
    assert told.stdout.splitlines()[-1] == str([(most, most) for most in (640 * 1024 * 1024, 10, 0, 0)])


@pytest.mark.parametrize("size", [(900, 300), (300, 900)])
def test_the_middle_is_what_is_left(size: tuple[int, int]) -> None:
    picture = plain(RED, size)
    left, top = (size[0] - 300) // 2, (size[1] - 300) // 2
    picture.paste(BLUE, (left, top, left + 300, top + 300))
    assert all(is_near(each, BLUE) for each in corners(made(encoded(picture)).large))


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_of_one_that_moves_the_first_picture_is_taken(kind: str) -> None:
    frames = [plain(colour) for colour in (GREEN, RED, BLUE)]
    moving = encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=50)
    assert getattr(opened(moving), "n_frames", 1) == 3
    picture = opened(made(moving).large)
    assert getattr(picture, "n_frames", 1) == 1
    assert is_near(picture.getpixel((99, 99)), GREEN)


def test_several_pictures_in_one_jpeg_are_its_first() -> None:
    both = encoded(plain(GREEN), "MPO", save_all=True, append_images=[plain(BLUE)])
    assert is_near(opened(made(both).large).getpixel((99, 99)), GREEN)


def test_what_else_a_file_is_does_not_survive() -> None:
    html = b"<script>alert(1)</script>"
    for sent in (
        encoded(plain(), "GIF", comment=html) + html,
        encoded(plain(), "JPEG", comment=html) + html,
        encoded(plain()) + html + b"PK\x03\x04",
    ):
        sizes = made(sent)
        assert not any(b"script" in each or b"PK\x03" in each for each in (sizes.small, sizes.medium, sizes.large))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7\n",
        b"GIF",
        b"<html><img src=x></html>",
        encoded(plain(), "BMP"),
        encoded(plain(), "TIFF"),
        encoded(plain(), "ICO"),
        encoded(plain(), "PPM"),
        encoded(plain(), "EPS"),
        encoded(plain(), "TGA"),
    ],
)
def test_what_is_no_picture_of_these_kinds_is_refused(data: bytes) -> None:
    assert refused(data) == REASONS["not_a_picture"]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "AVIF"])
def test_one_that_is_cut_off_is_broken(kind: str) -> None:
    whole = encoded(Image.effect_noise((300, 200), 80).convert("RGB"), kind)
    for length in (len(whole) // 2, 40, 14):
        assert refused(whole[:length]) == REASONS["broken"], length


def test_what_would_take_long_or_much_does_not() -> None:
    liars, scans = liar(), endless_scans()
    assert len(scans) < MOST
    began = time.monotonic()
    assert opened(made(liars).large).getpixel((9, 9)) == (0, 0, 0)  # what is too much of it is left
    assert refused(scans) == REASONS["broken"]
    assert time.monotonic() - began < SOON


def test_a_bomb_is_seen_before_it_is_read() -> None:
    data, words = bomb(), wordy()
    assert len(data) < 1_000_000
    began = time.monotonic()
    assert refused(data) == REASONS["too_large"]
    assert refused(words) == REASONS["broken"]
    assert time.monotonic() - began < SOON


@pytest.mark.parametrize(("size", "kind"), [((5001, 5000), "PNG"), ((5001, 5000), "WEBP"), ((8001, 6250), "JPEG")])
def test_more_pixels_than_anybody_needs_are_refused(size: tuple[int, int], kind: str) -> None:
    assert refused(encoded(plain(0, size, "L"), kind)) == REASONS["too_large"]


def test_what_a_large_camera_takes_is_taken() -> None:
    sizes = made(encoded(plain(BLUE, (8064, 6048)), "JPEG", progressive=True))
    assert is_near(opened(sizes.large).getpixel((9, 9)), BLUE)


@pytest.mark.parametrize("size", [(63, 400), (400, 63), (1, 1)])
def test_a_picture_of_nobody_is_too_small(size: tuple[int, int]) -> None:
    assert refused(encoded(plain(size=size))) == REASONS["too_small"]
    assert opened(made(encoded(plain(size=(64, 64)))).large).size == (512, 512)


def test_bytes_are_counted_before_anything_is_done() -> None:
    with pytest.raises(InvalidInput) as refusal:
        Studio(1000).make(bytes(1001))
    assert refusal.value.message == TOO_MANY_BYTES


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another program in its place."""
    path = tmp_path / "program.py"
    monkeypatch.setattr(module, "PROGRAM", path)
    return path


def test_a_process_that_is_ended_says_broken_and_a_fault_is_one(program: Path) -> None:
    program.write_text("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    assert refused(b"x") == REASONS["broken"]
    program.write_text("raise SystemExit('no library')")
    with pytest.raises(RuntimeError, match="no library"):
        made(b"x")


def test_one_that_does_not_end_is_ended(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.5)
    program.write_text("import time; time.sleep(60)")
    began = time.monotonic()
    assert refused(b"x") == REASONS["broken"]
    assert time.monotonic() - began < SOON


def test_the_process_gets_no_secret_of_the_environment(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "nobody may know this")
    program.write_text("import os, sys; sys.exit(repr(sorted(os.environ)))")
    with pytest.raises(RuntimeError) as told:
        made(b"x")
    assert "PYTHONPATH" in str(told.value)
    assert "SECRET_KEY" not in str(told.value)
    assert "SECRET_KEY" in os.environ


def test_one_is_made_at_a_time_and_nobody_waits_for_long(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.2)
    program.write_text('import time; time.sleep(1.5); print(\'{"reason": "broken"}\')')
    studio = Studio(MOST)

    def first() -> None:
        with pytest.raises(InvalidInput):
            studio.make(b"x")

    thread = threading.Thread(target=first)
    thread.start()
    time.sleep(0.3)
    with pytest.raises(Unavailable):
        studio.make(b"y")
    thread.join()
    program.write_text('print(\'{"reason": "too_small"}\')')
    with pytest.raises(InvalidInput, match="too small"):
        studio.make(b"z")
