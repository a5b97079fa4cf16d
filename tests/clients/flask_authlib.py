"""Authlib's Flask client, set up as its documentation says, plus the challenge every client of the portal sends."""

import sys

from authlib.integrations.flask_client import OAuth
from flask import Flask, redirect, session, url_for

issuer, client_id, client_secret, port = sys.argv[1:]
app = Flask(__name__)
app.secret_key = "of a test"
oauth = OAuth(app)
oauth.register(
    name="max",
    client_id=client_id,
    client_secret=client_secret,
    server_metadata_url=f"{issuer}/.well-known/openid-configuration",
    client_kwargs={"scope": "openid profile email", "code_challenge_method": "S256"},
)


@app.get("/")
def home():
    user = session.get("user")
    return f"<p>{user['email']}</p><p>{user['name']}</p>" if user else '<a href="/login">Log in</a>'


@app.get("/login")
def login():
    return oauth.max.authorize_redirect(url_for("callback", _external=True))


@app.get("/callback")
def callback():
    session["user"] = oauth.max.authorize_access_token()["userinfo"]
    return redirect("/")


app.run(port=int(port))
