"""Files are read as the world writes them, a line at a time; what cannot be read says so and takes nothing along."""

import csv
import hashlib
import io
import json
from typing import Any

import pytest

from app.errors import InvalidInput
from app.services.imports import sheets
from app.services.imports.rows import COLUMNS
from app.services.imports.sheets import LONGEST_LINE, Form, Line, Sheet

HEADER = "email,name\r\n"
ADA = {"email": "ada@example.com", "name": "Ada"}


def read(data: bytes, form: Form = Form.CSV) -> list[Line]:
    sheet = Sheet(io.BytesIO(data), form, COLUMNS)
    lines = list(sheet)
    assert sheet.sha256 == hashlib.sha256(data).hexdigest()
    return lines


def refusal(data: bytes, form: Form = Form.CSV) -> str:
    with pytest.raises(InvalidInput) as refused:
        Sheet(io.BytesIO(data), form, COLUMNS)
    return refused.value.message


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_a_byte_order_mark_change_nothing(end: str, mark: str) -> None:
    table = f"{mark}email,name{end}ada@example.com,Ada{end}{end}bob@example.com,{end}"
    assert read(table.encode()) == [Line(2, ADA), Line(4, {"email": "bob@example.com"})]
    objects = f'{mark}{json.dumps(ADA)}{end}{end}{{"email": "bob@example.com", "name": null}}'
    assert read(objects.encode(), Form.JSONL) == [Line(1, ADA), Line(3, {"email": "bob@example.com"})]


def test_columns_stand_in_any_order_case_and_width() -> None:
    assert read("Ｎａｍｅ, EMAIL \nAda,ada@example.com".encode()) == [Line(2, ADA)]


def test_quoted_cells_hold_commas_quotes_and_line_breaks() -> None:
    cells = ["ada@example.com", 'A, "B"\nC']
    written = io.StringIO()
    csv.writer(written).writerow(cells)
    assert read((HEADER + written.getvalue()).encode())[0].values == dict(zip(("email", "name"), cells, strict=True))


@pytest.mark.parametrize("form", [Form.CSV, Form.JSONL])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_other_unicode_is_refused_at_once(form: Form, encoding: str) -> None:
    text = HEADER if form is Form.CSV else json.dumps(ADA)
    assert refusal(text.encode(encoding), form) == sheets.NOT_UTF8


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("", sheets.EMPTY),
        ("\ufeff\r\n", sheets.EMPTY),
        ("name\n", sheets.NO_EMAIL),
        ("email;name\n", sheets.NO_EMAIL),
        ('"email\n', sheets.NO_EMAIL),
        ("email," + "x" * LONGEST_LINE, sheets.NO_EMAIL),
        ("email,<b>phone</b>\n", sheets.UNKNOWN_COLUMN),
        ("email,\n", sheets.UNKNOWN_COLUMN),
        ("email,name,ＮＡＭＥ\n", sheets.REPEATED_COLUMN),
    ],
)
def test_a_header_that_cannot_be_used_refuses_the_file(header: str, message: str) -> None:
    assert refusal(header.encode()) == message


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("ada@example.com", sheets.OTHER_WIDTH),
        ("ada@example.com,Ada,more", sheets.OTHER_WIDTH),
        ('ada@example.com,"A"da', sheets.BROKEN),
        ('ada@example.com,"Ada', sheets.BROKEN),
        ("ada@example.com,A\rda", sheets.BROKEN),
        ("ada@example.com," + "x" * LONGEST_LINE, sheets.TOO_LONG),
        ('ada@example.com,"' + "x\n" * LONGEST_LINE * 2, sheets.BROKEN),
    ],
)
def test_a_row_that_cannot_be_read_is_told_with_its_number(row: str, problem: str) -> None:
    lines = read(f"{HEADER}ada@example.com,Ada\n{row}\nbob@example.com,Bob\n".encode())
    assert lines[:2] == [Line(2, ADA), Line(3, problem=problem)]
    goes_on = problem == sheets.OTHER_WIDTH
    assert [line.values.get("name") for line in lines[2:]] == (["Bob"] if goes_on else [])


@pytest.mark.parametrize(
    "line",
    [
        b"[]",
        b'"x"',
        b"{",
        b'{"email": "a", "email": "b"}',
        b'{"email": NaN}',
        b'{"email": "\xb1\xe8"}',
        b"{" + b'"a":{' * 5000,
        b"[" * 60_000,
    ],
)
def test_a_line_that_is_no_object_is_told_with_its_number(line: bytes) -> None:
    good = json.dumps(ADA).encode()
    assert read(good + b"\n" + line + b"\n" + good, Form.JSONL) == [
        Line(1, ADA),
        Line(2, problem=sheets.NO_OBJECT),
        Line(3, ADA),
    ]


def test_an_unknown_member_is_told_and_a_line_without_end_ends_the_file() -> None:
    members: dict[str, Any] = {**ADA, "phone": "1"}
    assert read(json.dumps(members).encode(), Form.JSONL) == [Line(1, problem=sheets.UNKNOWN_MEMBER)]
    endless = json.dumps(ADA).encode() + b"\n{" + b" " * 3 * LONGEST_LINE + b"}\n{}"
    assert read(endless, Form.JSONL) == [Line(1, ADA), Line(2, problem=sheets.TOO_LONG)]
