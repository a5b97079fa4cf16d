"""Every item of the catalogue of negative cases has a test: its number stands in the test's name, ``test_a07_…``."""

import ast
import re
from pathlib import Path

import pytest

ITEMS = {
    "a": [1, 2, 3, 4, 5, 8, 10, 11, 13, 14, 15, *range(17, 28), 29, 30, 31, 32, *range(34, 43), 44, 45],
    "b": [46, 47, 48, *range(50, 56), *range(58, 65), 66, 68, 69],
    "c": [70, 71, *range(75, 82), *range(83, 88)],
    "d": [*range(88, 93), *range(94, 101), 103, 105],
    "e": [*range(106, 114), *range(117, 121)],
    "f": [*range(121, 128), 130, 131],
    "g": [133, 134, 135, 136, 138, 139, *range(141, 145)],
    "h": [145, *range(147, 156), 157, 158, 159],
    "i": [*range(160, 168), 170, 172, 173, 174, 177, 179],
    "j": [180, 181, 182, *range(184, 189), 190],
    "k": [*range(191, 200), 201, 202, 204],
    "l": [205, 206, 207, 208, 209, 211, 213, 214, 215],
    "m": [216, 218, 219, 221, 223, *range(226, 232)],
    "n": [233, *range(235, 239)],
    "o": [241, 242, *range(244, 250), 252, 253],
    "p": [254, 255, 256, 257, 259, 260, 261],
    "q": [262, 263, 265, 266, 267, 268, *range(271, 276)],
    "r": [276, 277, 278, 279, 281, 282, 283],
    "s": [284, 287, 289, 290, 291],
    "t": [*range(292, 297), 298, *range(300, 304)],
    "u": [305, 308, 309, 311, 312, 313],
    "v": [315, 317, 319, 320, 321, 322, 323],
}


def numbers_of(section: str) -> set[int]:
    """The numbers in the names of the tests of a section's files, and of those beside the service API."""
    here = Path(__file__).parent
    files = [*here.glob(f"test_{section}_*.py"), *here.parent.glob("api/service/test_*.py")]
    names = [
        node.name for file in files for node in ast.parse(file.read_text()).body if isinstance(node, ast.FunctionDef)
    ]
    return {int(found[1]) for name in names if (found := re.match(rf"test_{section}(\d+)_", name))}


@pytest.mark.parametrize("section", sorted(ITEMS))
def test_every_item_of_the_section_has_a_test_and_no_test_has_another_number(section: str) -> None:
    assert numbers_of(section) == set(ITEMS[section])
