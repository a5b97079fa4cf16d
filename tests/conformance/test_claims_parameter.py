"""The ``claims`` parameter, which metadata says is supported (OpenID Connect Core section 5.5).

The Basic plan touches it in ``oidcc-claims-essential`` and in the checks of every ID token.
"""

import json

from tests.conformance.relying_party import RelyingParty


def claims(**members: object) -> str:
    """The parameter."""
    return json.dumps(members)


def test_metadata_says_that_the_parameter_is_supported(rp: RelyingParty) -> None:
    assert rp.metadata["claims_parameter_supported"] is True


def test_a_claim_within_the_scopes_comes_in_the_id_token_when_asked_for_there(rp: RelyingParty) -> None:
    login = rp.log_in(scope="openid profile", claims=claims(id_token={"name": {"essential": True}}))
    assert login.claims["name"] == rp.userinfo(login)["name"]


def test_userinfo_answers_what_the_scopes_cover_whatever_is_asked_of_it(rp: RelyingParty) -> None:
    """``oidcc-claims-essential`` warns of it; but nobody consented to a claim that no granted scope covers."""
    asked = claims(userinfo={"name": {"essential": True}})
    assert "name" not in rp.userinfo(rp.log_in(claims=asked))
    assert rp.userinfo(rp.log_in(scope="openid profile", claims=asked))["name"]


def test_the_subject_who_is_logged_in_may_be_asked_for_by_value(rp: RelyingParty) -> None:
    first = rp.log_in()
    asked = claims(id_token={"sub": {"value": first.claims["sub"]}})
    assert rp.log_in_silently(prompt="none", claims=asked).claims["sub"] == first.claims["sub"]


def test_another_subject_asked_for_by_value_gets_no_code(rp: RelyingParty) -> None:
    rp.log_in()
    asked = claims(id_token={"sub": {"value": "248289761001"}})
    assert rp.refused(rp.ask(prompt="none", claims=asked)) == "login_required"


def test_an_essential_acr_that_cannot_be_met_gets_no_code(rp: RelyingParty) -> None:
    rp.log_in()
    asked = claims(id_token={"acr": {"essential": True, "values": ["urn:mace:incommon:iap:silver"]}})
    assert rp.refused(rp.ask(prompt="none", claims=asked)) == "unmet_authentication_requirements"
