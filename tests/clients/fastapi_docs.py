"""FastAPI's own documentation page logs in, as the developers' page says, and calls what it documents."""

import os

import uvicorn

# BLOCK pyjwt

# BLOCK fastapi-docs

uvicorn.run(app, host="localhost", port=int(os.environ["PORT"]))
