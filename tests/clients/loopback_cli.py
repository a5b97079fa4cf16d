"""A program for the command line: requests-oauthlib, as the developers' page says, on a loopback port of the moment."""

import os
from http.server import BaseHTTPRequestHandler, HTTPServer

from requests_oauthlib import OAuth2Session

os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"  # the portal of the tests has no TLS
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


class webbrowser:
    """The browser is the one of the test."""

    @staticmethod
    def open(address):
        print(address, flush=True)


server = HTTPServer(("127.0.0.1", 0), Answer)

# BLOCK requests-oauthlib

print(session.get(f"{os.environ['ISSUER']}/api/oauth/userinfo").json()["email"], flush=True)
