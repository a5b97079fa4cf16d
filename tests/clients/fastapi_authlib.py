"""Authlib's Starlette client in FastAPI, set up as its documentation says, plus the challenge."""

import sys

import uvicorn
from authlib.integrations.starlette_client import OAuth
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.middleware.sessions import SessionMiddleware

issuer, client_id, client_secret, port = sys.argv[1:]
app = FastAPI()
app.add_middleware(SessionMiddleware, secret_key="of a test")
oauth = OAuth()
oauth.register(
    name="max",
    client_id=client_id,
    client_secret=client_secret,
    server_metadata_url=f"{issuer}/.well-known/openid-configuration",
    client_kwargs={"scope": "openid profile email", "code_challenge_method": "S256"},
)


@app.get("/", response_class=HTMLResponse)
async def home(request: Request):
    user = request.session.get("user")
    return f"<p>{user['email']}</p><p>{user['name']}</p>" if user else '<a href="/login">Log in</a>'


@app.get("/login")
async def login(request: Request):
    return await oauth.max.authorize_redirect(request, str(request.url_for("callback")))


@app.get("/callback")
async def callback(request: Request):
    token = await oauth.max.authorize_access_token(request)
    request.session["user"] = dict(token["userinfo"])
    return RedirectResponse("/")


uvicorn.run(app, host="localhost", port=int(port))
