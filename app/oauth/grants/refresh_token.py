"""The refresh token grant with rotation (:rfc:`6749#section-6`, RFC 9700 section 4.14)."""

from app.oauth.grants.base import PortalGrant
from app.services.tokens.tokens import TokenAnswer
from app.web.security import caller
from app.wiring import services


class RefreshTokenGrant(PortalGrant):
    """Exchanges a refresh token for its successor."""

    GRANT_TYPE = "refresh_token"
    REQUIRED = ("refresh_token",)

    def exchange(self) -> TokenAnswer:
        """Rotate the token."""
        form = self.request.form
        return services.refresh_tokens.rotate(self.client, form["refresh_token"], form.get("scope"), caller())
