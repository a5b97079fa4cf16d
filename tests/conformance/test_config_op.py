"""The plan ``oidcc-config-certification-test-plan``: one module, run once for each of its conditions."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.conformance.relying_party import ISSUER, RelyingParty

DISCOVERY_URL = f"{ISSUER}/.well-known/openid-configuration"
FLAGS = {
    "backchannel_logout_supported",
    "backchannel_logout_session_supported",
    "claims_parameter_supported",
    "request_parameter_supported",
    "request_uri_parameter_supported",
    "authorization_response_iss_parameter_supported",
}
LISTS = {
    "scopes_supported",
    "response_types_supported",
    "response_modes_supported",
    "grant_types_supported",
    "subject_types_supported",
    "id_token_signing_alg_values_supported",
    "token_endpoint_auth_methods_supported",
    "revocation_endpoint_auth_methods_supported",
    "introspection_endpoint_auth_methods_supported",
    "token_endpoint_auth_signing_alg_values_supported",
    "revocation_endpoint_auth_signing_alg_values_supported",
    "introspection_endpoint_auth_signing_alg_values_supported",
    "code_challenge_methods_supported",
    "prompt_values_supported",
    "display_values_supported",
    "claim_types_supported",
    "claims_supported",
    "ui_locales_supported",
}
ADDRESSES = {
    "issuer",
    "authorization_endpoint",
    "token_endpoint",
    "userinfo_endpoint",
    "revocation_endpoint",
    "introspection_endpoint",
    "end_session_endpoint",
    "jwks_uri",
    "service_documentation",
    "op_policy_uri",
    "op_tos_uri",
}
ALL_FLOWS = {"code", "code id_token", "id_token", "token id_token", "code id_token token", "code token"}
PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
Metadata = dict[str, Any]


def answer_is_json_with_status_200(rp: RelyingParty, metadata: Metadata) -> None:
    response = rp.call("GET", DISCOVERY_URL)
    assert (response.status_code, response.mimetype) == (200, "application/json")


def issuer_is_a_plain_https_address_and_where_the_document_was_found(rp: RelyingParty, metadata: Metadata) -> None:
    parts = urlsplit(metadata["issuer"])
    assert (parts.scheme, parts.query, parts.fragment) == ("https", "", "")
    assert metadata["issuer"] + "/.well-known/openid-configuration" == DISCOVERY_URL


def members_have_their_types_and_no_other_member_is_there(rp: RelyingParty, metadata: Metadata) -> None:
    """In place of the JSON schema: what RFC 8414, RFC 9207, Discovery and the two logout specifications define."""
    assert set(metadata) == FLAGS | LISTS | ADDRESSES
    for name in FLAGS:
        assert type(metadata[name]) is bool, name
    for name in LISTS:
        assert metadata[name], name
        assert all(isinstance(value, str) and value for value in metadata[name]), name
        assert isinstance(metadata[name], list), name
        assert len(set(metadata[name])) == len(metadata[name]), name
    for name in ADDRESSES:
        parts = urlsplit(metadata[name])
        assert (parts.scheme, parts.fragment) == ("https", ""), name
        assert parts.netloc, name


def response_types_are_of_openid_connect(rp: RelyingParty, metadata: Metadata) -> None:
    assert set(metadata["response_types_supported"]) & ALL_FLOWS == {"code"}


def subject_types_are_known(rp: RelyingParty, metadata: Metadata) -> None:
    assert set(metadata["subject_types_supported"]) <= {"public", "pairwise"}


def id_tokens_can_be_signed_with_rs256(rp: RelyingParty, metadata: Metadata) -> None:
    assert "RS256" in metadata["id_token_signing_alg_values_supported"]


def userinfo_is_not_said_to_be_signed(rp: RelyingParty, metadata: Metadata) -> None:
    assert "userinfo_signing_alg_values_supported" not in metadata


def every_endpoint_is_on_https(rp: RelyingParty, metadata: Metadata) -> None:
    endpoints = [value for name, value in metadata.items() if name.endswith("_endpoint")]
    assert {metadata[f"{name}_endpoint"] for name in ("authorization", "token", "userinfo")} <= set(endpoints)
    assert all(value.startswith(f"{ISSUER}/") for value in endpoints)


def clients_do_not_register_themselves(rp: RelyingParty, metadata: Metadata) -> None:
    assert "registration_endpoint" not in metadata


def keys_are_public_and_each_has_a_name_of_its_own(rp: RelyingParty, metadata: Metadata) -> None:
    response = rp.call("GET", metadata["jwks_uri"])
    assert (response.status_code, response.mimetype) == (200, "application/json")
    keys = response.json["keys"]
    assert len({key["kid"] for key in keys}) == len(keys) > 0
    for key in keys:
        assert not PRIVATE_MEMBERS & set(key)
        assert key["use"] == "sig"
        assert (key["kty"], key["alg"], key.get("crv")) in {("RSA", "RS256", None), ("EC", "ES256", "P-256")}


def keys_are_there_for_every_algorithm_listed(rp: RelyingParty, metadata: Metadata) -> None:
    keys = rp.call("GET", metadata["jwks_uri"]).json["keys"]
    assert set(metadata["id_token_signing_alg_values_supported"]) == {key["alg"] for key in keys}


def request_objects_are_said_not_to_be_supported(rp: RelyingParty, metadata: Metadata) -> None:
    """``request_uri_parameter_supported`` left out would mean true (Discovery section 3)."""
    assert (metadata["request_parameter_supported"], metadata["request_uri_parameter_supported"]) == (False, False)
    assert "request_object_signing_alg_values_supported" not in metadata


def claims_contain_what_id_tokens_and_userinfo_carry(rp: RelyingParty, metadata: Metadata) -> None:
    login = rp.log_in(scope="openid profile email")
    assert set(login.claims) | set(rp.userinfo(login)) <= set(metadata["claims_supported"])


def grant_types_contain_the_code(rp: RelyingParty, metadata: Metadata) -> None:
    assert "authorization_code" in metadata["grant_types_supported"]
    assert not {"implicit", "password"} & set(metadata["grant_types_supported"])


def scopes_contain_openid_and_are_scope_tokens(rp: RelyingParty, metadata: Metadata) -> None:
    """RFC 6749 appendix A.4."""
    assert "openid" in metadata["scopes_supported"]
    assert all(re.fullmatch(r"[\x21\x23-\x5B\x5D-\x7E]+", scope) for scope in metadata["scopes_supported"])


def locales_are_language_tags_in_their_usual_case(rp: RelyingParty, metadata: Metadata) -> None:
    """RFC 5646 section 2.1.1."""
    assert all(
        re.fullmatch(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?", tag) for tag in metadata["ui_locales_supported"]
    )


def challenge_methods_are_a_list_with_s256_alone(rp: RelyingParty, metadata: Metadata) -> None:
    assert metadata["code_challenge_methods_supported"] == ["S256"]


CONDITIONS = [
    answer_is_json_with_status_200,
    issuer_is_a_plain_https_address_and_where_the_document_was_found,
    members_have_their_types_and_no_other_member_is_there,
    response_types_are_of_openid_connect,
    subject_types_are_known,
    id_tokens_can_be_signed_with_rs256,
    userinfo_is_not_said_to_be_signed,
    every_endpoint_is_on_https,
    clients_do_not_register_themselves,
    keys_are_public_and_each_has_a_name_of_its_own,
    keys_are_there_for_every_algorithm_listed,
    request_objects_are_said_not_to_be_supported,
    claims_contain_what_id_tokens_and_userinfo_carry,
    grant_types_contain_the_code,
    scopes_contain_openid_and_are_scope_tokens,
    locales_are_language_tags_in_their_usual_case,
    challenge_methods_are_a_list_with_s256_alone,
]


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda condition: condition.__name__)
def test_oidcc_discovery_endpoint_verification(
    rp: RelyingParty, condition: Callable[[RelyingParty, Metadata], None]
) -> None:
    """The document says what the specifications want, in the form they want it."""
    condition(rp, rp.metadata)
