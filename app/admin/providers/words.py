"""How providers are spoken of: what each gives, what was said when it did not work, and what is set for it."""

from app.errors import sentence

CONSOLES = {
    "google": "https://console.cloud.google.com/auth/overview",
    "kakao": "https://developers.kakao.com",
    "naver": "https://developers.naver.com/apps/",
    "discord": "https://discord.com/developers/applications",
}
"""Where the portal is registered with each."""
SAYS_VERIFIED = sentence("It says of an e-mail address whether it is verified, and the portal believes that.")
TRUSTED = sentence(
    "An e-mail address it gives counts as verified, unless it says that it is not: %(setting)s trusts it so far."
)
UNTRUSTED = sentence(
    "No e-mail address it gives counts as verified, so people prove theirs by a code from a mail. %(setting)s changes "
    "that."
)
EMAILS = {
    "google": SAYS_VERIFIED,
    "discord": SAYS_VERIFIED,
    "kakao": sentence("An e-mail address counts as verified when Kakao says that it is valid and verified."),
    "naver": sentence(
        "It never says that an e-mail address is verified: whoever comes in for the first time types a code from a "
        "mail."
    ),
}
LINKING = (
    sentence("A login that is linked already opens its account, whatever address the provider gives by now."),
    sentence(
        "A verified address that is the verified address of an account: the person proves that account once, and then "
        "the two are linked."
    ),
    sentence("An address that is not verified leads to no account before its person has proven it."),
    sentence("Anybody else sees what a new account would have, and gets one after saying yes."),
)
FAILURES = {
    "slow": sentence("It took too long to answer."),
    "down": sentence("It could not be reached, or had an error of its own."),
    "refused": sentence("It refused the code, the client ID or the secret."),
    "untrusted": sentence("What it said could not be trusted."),
}
OTHER_FAILURE = sentence("It failed for a reason of another version of the portal.")
SPANS = {"24h": sentence("24 hours"), "7d": sentence("7 days"), "30d": sentence("30 days")}
