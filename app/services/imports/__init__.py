"""People who come from another system, by a file: what it says is read, judged row by row, and done in small parts.

A rehearsal and an import are one function, which writes or does not, so what the first tells is what the second does.
"""
