"""A backend that believes an access token only after PyJWT has checked it, with the key its header names."""

import sys

import jwt

issuer, token = sys.argv[1:]
keys = jwt.PyJWKClient(f"{issuer}/.well-known/jwks.json")
key = keys.get_signing_key_from_jwt(token)
claims = jwt.decode(token, key, algorithms=["ES256"], audience=issuer, issuer=issuer)
if jwt.get_unverified_header(token)["typ"] != "at+jwt":
    raise SystemExit("not an access token")
print(claims["sub"])
