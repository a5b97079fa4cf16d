"""A backend that believes an access token only after PyJWT has checked it, as the developers' page says."""

import sys

# BLOCK pyjwt

print(verified(sys.argv[1])["sub"])
