"""Authlib's Starlette client in FastAPI, as the developers' page says."""

import os

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse

app = FastAPI()

# BLOCK authlib-fastapi


@app.get("/", response_class=HTMLResponse)
async def home(request: Request):
    user = request.session.get("user")
    return f"<p>{user['email']}</p><p>{user['name']}</p>" if user else '<a href="/login">Log in</a>'


uvicorn.run(app, host="localhost", port=int(os.environ["PORT"]))
