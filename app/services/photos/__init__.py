"""Photos: the pictures people upload of themselves, made anew from what was sent, and where they are kept.

:mod:`app.services.photos.picture` runs as a process of its own: what was sent is judged there, and trusted by nobody.
"""
