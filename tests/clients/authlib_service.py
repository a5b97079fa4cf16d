"""A service that signs with Authlib, as docs/service-tokens.md says; the key is made here and never leaves.

The one argument is JSON: {issuer, client_id, scope}. A line {"jwks": …} goes to standard output; once a line comes back,
the client is registered, and one line {"report": …} with what the portal answered is the end.
"""

import json
import sys

from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT, private_key_jwt_sign
from joserfc.jwk import OKPKey

options = json.loads(sys.argv[1])
ISSUER = options["issuer"]
key = OKPKey.generate_key("Ed25519")
print(json.dumps({"jwks": {"keys": [{**key.as_dict(private=False), "kid": "2026-01", "use": "sig"}]}}), flush=True)
sys.stdin.readline()


class Short(PrivateKeyJWT):
    def sign(self, auth, token_endpoint):
        return private_key_jwt_sign(
            auth.client_secret, auth.client_id, ISSUER, alg="Ed25519", header={"kid": "2026-01"}, expires_in=60
        )


session = OAuth2Session(
    options["client_id"],
    key,
    token_endpoint_auth_method="private_key_jwt",
    revocation_endpoint_auth_method="private_key_jwt",
    scope=options["scope"],
)
session.register_client_auth_method(Short())
tokens = [session.fetch_token(f"{ISSUER}/api/oauth/token", grant_type="client_credentials") for _ in range(2)]
before = session.introspect_token(f"{ISSUER}/api/oauth/introspect", token=tokens[1]["access_token"]).json()
session.revoke_token(f"{ISSUER}/api/oauth/revoke", token=tokens[1]["access_token"]).raise_for_status()
after = session.introspect_token(f"{ISSUER}/api/oauth/introspect", token=tokens[1]["access_token"]).json()
report = {"scope": tokens[1]["scope"], "before": before["active"], "after": after["active"]}
print(json.dumps({"report": {**report, "client_id": before["client_id"]}}), flush=True)
