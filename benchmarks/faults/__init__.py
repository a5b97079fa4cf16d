"""Faults on purpose: a portal under load loses a server, a disk or its life, and nothing it acknowledged may be lost.

``python -m benchmarks.faults`` starts all it needs on loopback, runs the rows and ends by itself. What is what:

    ledger    the acknowledged facts, one JSON line each, secrets as hashes
    standing  what must hold, as a pure function of those facts
    wire      requests with their times and outcomes on tape
    person    a virtual user: logs in, gets codes and tokens, uses, refreshes, revokes, logs out
    stand     the portal with its servers and disks
    auditor   replays the ledger over the wire; rows looks at the tables
    drill     one row: calm, fault, calm, audit, verdict
    report    the table

The rows are in one module per group: ``redis_rows``, ``postgres_rows``, ``disk_rows``, ``crash_rows``, ``purge_rows``.
A new group is a module with ``ROWS``, named in ``__main__``.
"""
