"""Statements that are sent to PostgreSQL together."""

import pytest

from app.postgresql import joined


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        (("DELETE FROM a WHERE x = $1",), "DELETE FROM a WHERE x = $1"),
        (
            ("INSERT INTO a VALUES ($1, $2)", "UPDATE b SET x = $2 WHERE y = $1", "INSERT INTO c VALUES ($1)"),
            "WITH part_0 AS (INSERT INTO a VALUES ($1, $2)), part_1 AS (UPDATE b SET x = $4 WHERE y = $3) "
            "INSERT INTO c VALUES ($5)",
        ),
        (("DELETE FROM a", "DELETE FROM b WHERE x = $1"), "WITH part_0 AS (DELETE FROM a) DELETE FROM b WHERE x = $1"),
        (
            ("INSERT INTO t VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",) * 2,
            "WITH part_0 AS (INSERT INTO t VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)) "
            "INSERT INTO t VALUES ($12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)",
        ),
    ],
)
def test_parameters_are_numbered_through(statements: tuple[str, ...], expected: str) -> None:
    assert joined(statements) == expected
