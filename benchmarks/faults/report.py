"""The table, for a terminal and for a document."""

from collections import Counter
from collections.abc import Iterable

from benchmarks.faults.drill import Result

HEAD = ("row", "fault", "requests", "errors in its window", "slowest", "recovery", "violations", "verdict")
SHOWN_VIOLATIONS = 8


def line(result: Result) -> str:
    """One row for the terminal, with what was found below it."""
    cells = _cells(result)
    shown = "  ".join(cell.ljust(width) for cell, width in zip(cells, (13, 52, 8, 22, 8, 8, 3, 0), strict=True))
    return "\n".join([shown.rstrip(), *(f"    {note}" for note in notes(result))])


def notes(result: Result) -> list[str]:
    """Figures, then each violation with how often it was found."""
    counted = Counter(result.violations)
    shown = [f"VIOLATION {text} (x{count})" for text, count in counted.most_common(SHOWN_VIOLATIONS)]
    more = len(counted) - SHOWN_VIOLATIONS
    return [*result.facts, *shown, *([f"VIOLATION and {more} more"] if more > 0 else [])]


def document(results: Iterable[Result]) -> str:
    """The same as a Markdown table."""
    lines = [_markdown(HEAD), _markdown(["---"] * len(HEAD))]
    found = list(results)
    lines += [_markdown(_cells(result)) for result in found]
    remarks = [f"- {result.row.name}: {'; '.join(notes(result))}" for result in found if notes(result)]
    return "\n".join([*lines, "", *remarks, ""])


def _cells(result: Result) -> list[str]:
    row = result.row
    if result.skipped:
        return [row.name, row.title, "", "", "", "", "", f"skipped: {result.skipped}"]
    return [
        row.name,
        row.title,
        str(result.requests),
        ", ".join(f"{count} x {status}" for status, count in sorted(result.errors.items())) or "none",
        f"{result.slowest:.2f} s",
        f"{result.recovery:.1f} s",
        str(len(result.violations)),
        "passed" if result.has_passed else "FAILED",
    ]


def _markdown(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
