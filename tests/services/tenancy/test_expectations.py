"""A file of policies is read sentence by sentence, and whatever is wrong with it is said by its line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidInput
from app.services.tenancy.expectations import LONGEST_FILE, MOST_SENTENCES, Expectation, Unreadable, parsed, read

SAID = {
    "a@b.c may manage:teams": {"person": "a@b.c"},
    "a@b.c may manage:teams in Seoul Lab": {"person": "a@b.c", "group": "Seoul Lab"},
    "a@b.c may not manage:teams anywhere": {"person": "a@b.c", "is_allowed": False, "anywhere": True},
    "role member may manage:teams": {"role": "member"},
    "role 편집자 may not manage:teams": {"role": "편집자", "is_allowed": False},
    "nobody may manage:teams": {"is_allowed": False},
    "nobody but role admin may manage:teams in MAX": {"is_allowed": False, "but": "admin", "group": "MAX"},
    "a@b.c may manage:teams in may in": {"person": "a@b.c", "group": "may in"},
}


@pytest.mark.parametrize(("text", "said"), SAID.items())
def test_what_a_sentence_says(text: str, said: dict[str, object]) -> None:
    expected = Expectation(7, text, **{"permission": "manage:teams", "is_allowed": True, **said})  # type: ignore[arg-type]
    assert parsed(f" {text}\u3000", 7) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "may",
        "a@b.c may",
        "a@b.c may not",
        "a@b.c can manage:teams",
        "a@b.c may Manage:teams",
        "a@b.c may manage",
        "a@b.c may manage:teams on MAX",
        "a@b.c may manage:teams in",
        "a@b.c may manage:teams anywhere in MAX",
        "a b may manage:teams",
        "role may manage:teams",
        "role member may manage:teams in MAX",
        "role member may manage:teams anywhere",
        "nobody may not manage:teams",
        "nobody but admin may manage:teams",
        "nobody but role admin may not manage:teams",
        "nobody but role may manage:teams",
        "a@b.c may manage:teams " + "x" * 500,
    ],
)
def test_what_is_no_sentence(text: str) -> None:
    with pytest.raises(InvalidInput):
        parsed(text)


@pytest.mark.parametrize(
    "data",
    [
        b"- a@b.c may manage:teams\n- role member may not manage:teams\n",
        b"\xef\xbb\xbf# who may\n- a@b.c may manage:teams\n\n- role member may not manage:teams",
        b"Teams:\n- a@b.c may manage:teams\nRoles:\n  - role member may not manage:teams\n",
        b"%YAML 1.2\n---\n['a@b.c may manage:teams', \"role member may not manage:teams\"]\n...\n",
        b"- a@b.c may\n  manage:teams\n- >-\n  role member may\n  not manage:teams\n",
    ],
)
def test_a_file_is_a_list_or_lists_under_headings(data: bytes) -> None:
    assert [each.text for each in read(data)] == ["a@b.c may manage:teams", "role member may not manage:teams"]


def test_each_sentence_knows_its_line() -> None:
    assert [each.line for each in read(b"# first\nA:\n- x may a:b\n\n- y may a:b\n")] == [3, 5]


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"", 0),
        (b"# nothing\n", 0),
        (b"[]", 0),
        (b"a may a:b", 1),
        (b"- a may a:b\n- x: y\n", 2),
        (b"- a may a:b\n- [b may a:b]\n", 2),
        (b"A: b may a:b\n", 1),
        (b"A:\n  B:\n  - a may a:b\n", 2),
        (b"? [a]\n: [a may a:b]\n", 1),
        (b"- &x a may a:b\n", 1),
        (b"- a may a:b\n- *x\n", 2),
        (b"- !!python/object/apply:os.system ['true']\n", 1),
        (b"- !x a may a:b\n", 1),
        (b"---\n- a may a:b\n---\n- b may a:b\n", 3),
        (b"- a may a:b\n- 'b may a:b\n", 3),
        (b"- a may a:b\n\tx: [", 2),
        (b"- a may a:b\n- \xff\n", 0),
        (b"- a\x00 may a:b\n", 0),
        ("- a may a:b\n- \ud800 may a:b".encode("utf-8", "surrogatepass"), 0),
        (b"- a may a:b\n- 5\n- a can a:b\n", 2),
        (b"[" * 100_000, 1),
        (b"- " * 100_000, 1),
        (b"{a: " * 50_000, 1),
        (b"- a may a:b\n" * (MOST_SENTENCES + 1), MOST_SENTENCES + 1),
        (b"#" * (LONGEST_FILE + 1), 0),
    ],
)
def test_what_cannot_be_read_is_said_by_its_line(data: bytes, line: int) -> None:
    with pytest.raises(Unreadable) as refused:
        read(data)
    assert refused.value.problems[0][0] == line


def test_every_line_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(Unreadable) as refused:
        read(b"- a can a:b\n- a may a:b\n- b may B\n")
    assert [line for line, _ in refused.value.problems] == [1, 3]


def outcome(data: bytes) -> object:
    """What comes of a file: its expectations, or what is wrong with it."""
    try:
        return read(data)
    except Unreadable as refused:
        return refused.problems


@given(st.binary(max_size=400))
def test_whatever_a_file_holds_is_read_or_refused(data: bytes) -> None:
    assert outcome(data)


@given(st.text(alphabet="-[]{}:,&*!|>'\"#% \nab?@`", max_size=60))
def test_whatever_looks_like_yaml_is_read_or_refused(text: str) -> None:
    assert outcome(text.encode())
