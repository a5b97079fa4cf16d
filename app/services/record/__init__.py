"""What goes on record: the audit trail (``audit``), and the proof that nobody changed it.

``chain`` seals records one behind the other, ``checkpoints`` signs where the chain is, ``retention`` removes what is
old, ``trail`` reads it and ``verification`` judges it. How, and what it proves, stands in docs/audit.md.
``search`` finds records and ``saved`` keeps what administrators look for; ``tally`` tells what is only counted.
"""
