"""Password hashes that other systems made: which are understood, how they are kept, whether a password is theirs.

Nothing here knows people. Each has one form in which it is kept, whichever system it came from (``origins`` reads
those, ``schemes`` are what they say), and bounds for what checking one may take. A hash of this kind is the person's
until the next login, which replaces it by one of the portal's own.
"""
