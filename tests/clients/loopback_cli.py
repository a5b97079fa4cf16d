"""A program for the command line: requests-oauthlib, a browser, and the answer on a loopback port of the moment."""

import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from requests_oauthlib import OAuth2Session

os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"  # the portal of the tests has no TLS
issuer, client_id = sys.argv[1:]
answers: list[str] = []


class Answer(BaseHTTPRequestHandler):
    """Takes the one answer."""

    def do_GET(self):
        answers.append(f"http://127.0.0.1:{self.server.server_port}{self.path}")
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"You may close this window.")

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Answer)
session = OAuth2Session(
    client_id,
    redirect_uri=f"http://127.0.0.1:{server.server_port}/callback",
    scope=["openid", "profile", "email"],
    pkce="S256",
)
address, _ = session.authorization_url(f"{issuer}/api/oauth/authorize")
print(address, flush=True)
server.handle_request()
session.fetch_token(f"{issuer}/api/oauth/token", authorization_response=answers[0], include_client_id=True)
print(session.get(f"{issuer}/api/oauth/userinfo").json()["email"], flush=True)
