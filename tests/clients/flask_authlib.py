"""Authlib's Flask client, as the developers' page says."""

import os

from flask import Flask, redirect, session, url_for

app = Flask(__name__)
app.secret_key = "of a test"

# BLOCK authlib-flask


@app.get("/")
def home():
    user = session.get("user")
    return f"<p>{user['email']}</p><p>{user['name']}</p>" if user else '<a href="/login">Log in</a>'


app.run(port=int(os.environ["PORT"]))
