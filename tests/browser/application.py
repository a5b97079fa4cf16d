"""A client application on an origin of its own, as an integrator would write it with the browser kit."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from tests.portal import Portal

CLIENT_ID = "kit-application"
SCOPE = "read:profile read:groups"

HEAD = """<!doctype html><html lang="en"><head><title>Application</title><link rel="icon" href="data:,"></head>
<script type="module">
import * as kit from '{issuer}/static/sdk/max-auth.js';
const responseMode = sessionStorage.getItem('mode') ?? 'query';
const client = kit.configure({{ issuer: '{issuer}', clientId: '{client_id}', scope: '{scope}', responseMode }});
const say = (text) => {{ document.querySelector('#said').textContent = text; }};
const sayError = (error) => say(`${{error.code}}: ${{error.message}}`);
Object.assign(window, {{ kit, client }});
"""
APP = (
    HEAD
    + """
const popup = new kit.PopupOAuthLogin();
document.querySelector('#login').onclick = () => {{
  say('waiting');
  popup.startAuth().then((tokens) => say(`logged in: ${{tokens.scope}}`), sayError);
}};
document.querySelector('#cancel').onclick = () => popup.cancel();
window.changes = [];
kit.onAuthChange(({{ type, remote }}) => window.changes.push(`${{type}} ${{remote ? 'elsewhere' : 'here'}}`));
say('ready');
</script><h1>Application</h1><button id="login">Log in</button><button id="cancel">Cancel</button><p id="said"></p>"""
)
CALLBACK = (
    HEAD
    + """
const {{ mode, error, delivered, returnTo, restarting }} = await kit.handleOAuthCallback();
if (restarting) say('once more');
else say(error ? `failed: ${{error.code}}` : delivered ? 'done' : `nobody waits; back to ${{returnTo}}`);
</script><h1>Callback</h1><p id="said">working</p>"""
)


class _Pages(BaseHTTPRequestHandler):
    """``/app`` and ``/oauth/callback``; ``?coop=`` chooses the opener policy of a page."""

    issuer = ""

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, with_body: bool) -> None:
        address = urlsplit(self.path)
        template = {"/app": APP, "/oauth/callback": CALLBACK}[address.path]
        body = template.format(issuer=self.issuer, client_id=CLIENT_ID, scope=SCOPE).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        for policy in parse_qs(address.query).get("coop", []):
            self.send_header("Cross-Origin-Opener-Policy", policy)
        self.end_headers()
        if with_body:
            self.wfile.write(body)


@contextmanager
def running_application(portal: Portal) -> Iterator[str]:
    """Serve the application, registered at ``portal``; gives its origin."""
    handler = type("Pages", (_Pages,), {"issuer": portal.url})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        origin = f"http://localhost:{server.server_port}"
        redirect = ("--redirect-uri", f"{origin}/oauth/callback")
        portal.flask("clients", "create", CLIENT_ID, "--name", "Application", *redirect, "--scope", SCOPE)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield origin
        finally:
            server.shutdown()
            thread.join()
