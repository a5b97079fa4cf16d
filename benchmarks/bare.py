"""The yardstick: one JSON answer of a bare Flask application under the same server."""

from flask import Flask, Response, jsonify

app = Flask(__name__)


@app.get("/")
def hello() -> Response:
    """As little as Flask can do."""
    return jsonify(status="ok")
