"""``python -m benchmarks.faults [--only R3,R4] [--full] [--report FILE.md] [--keep DIRECTORY]``."""

import argparse
import sys
from pathlib import Path

from benchmarks.faults import (
    crash_rows,
    database_rows,
    disk_rows,
    key_rows,
    mail_rows,
    node_rows,
    postgres_rows,
    provider_rows,
    purge_rows,
    receiver_rows,
    redis_rows,
    report,
    serving_rows,
    session_rows,
)
from benchmarks.faults.drill import Result, Row, run

GROUPS = (
    redis_rows,
    postgres_rows,
    disk_rows,
    crash_rows,
    session_rows,
    purge_rows,
    mail_rows,
    receiver_rows,
    database_rows,
    node_rows,
    serving_rows,
    key_rows,
    provider_rows,
)


def main() -> int:
    """Run the rows and print the table; answers how many have not passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="rows, separated by commas: R3,R4 or 'R4 pause'")
    parser.add_argument("--full", action="store_true", help="the whole length and number of every fault")
    parser.add_argument("--report", type=Path, help="write the table as Markdown")
    parser.add_argument("--keep", type=Path, help="a directory for the ledgers and the portal's logs")
    arguments = parser.parse_args()
    chosen = choose(arguments.only)
    if not chosen:
        parser.error(f"no such row: {arguments.only}")
    if arguments.keep:
        arguments.keep.mkdir(parents=True, exist_ok=True)
    results: list[Result] = []
    for row in chosen:
        results.append(run(row, is_full=arguments.full, keep=arguments.keep))
        print(report.line(results[-1]), flush=True)
        if arguments.report:
            arguments.report.write_text(report.document(results), encoding="utf-8")
    passed = sum(result.has_passed for result in results)
    skipped = sum(bool(result.skipped) for result in results)
    print(f"{passed} passed, {len(results) - passed - skipped} failed, {skipped} skipped")
    return sum(not result.has_passed and not result.skipped for result in results)


def choose(only: str) -> list[Row]:
    """The rows of these names, each meant whole or by its first word; all of them for none."""
    rows = [row for group in GROUPS for row in group.ROWS]
    names = {name.strip() for name in only.split(",") if name.strip()}
    return [row for row in rows if not names or names & {row.name, row.name.split()[0]}]


if __name__ == "__main__":
    sys.exit(min(main(), 1))
