"""The authorization code grant with PKCE (:rfc:`6749#section-4.1.3`, :rfc:`7636#section-4.5`)."""

from app.oauth.grants.base import PortalGrant
from app.services.grants.authorization_codes import Redemption
from app.services.tokens.tokens import TokenAnswer
from app.web.security import caller
from app.wiring import services


class AuthorizationCodeGrant(PortalGrant):
    """Exchanges a code."""

    GRANT_TYPE = "authorization_code"
    REQUIRED = ("code",)

    def exchange(self) -> TokenAnswer:
        """Redeem the code."""
        form = self.request.form
        presented = Redemption(form["code"], form.get("redirect_uri"), form.get("code_verifier"))
        return services.codes.redeem(self.client, presented, caller())
