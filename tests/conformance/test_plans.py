"""The room keeps its promise: a test for each module of each plan, by a relying party that tells good from bad."""

from collections.abc import Iterable
from types import ModuleType

import pytest
from joserfc.errors import JoseError

from tests.clock import Clock
from tests.conformance import (
    id_tokens,
    plans,
    test_basic_op,
    test_config_op,
    test_form_post_op,
    test_rp_initiated_logout,
)
from tests.conformance.relying_party import RelyingParty

PLANS = [
    (plans.BASIC, test_basic_op),
    (plans.FORM_POST_BASIC, test_form_post_op),
    (plans.CONFIG, test_config_op),
    (plans.RP_INITIATED_LOGOUT, test_rp_initiated_logout),
]


def difference(modules: Iterable[str], tests: ModuleType) -> set[str]:
    """Modules without a test, and tests that claim to be one of a module that the plan does not have."""
    defined = {name for name, value in vars(tests).items() if name.startswith("test_oidcc_") and callable(value)}
    return {plans.function_of(module) for module in modules} ^ defined


@pytest.mark.parametrize(("modules", "tests"), PLANS, ids=[tests.__name__.rpartition(".")[2] for _, tests in PLANS])
def test_every_module_of_the_plan_has_its_test(modules: tuple[str, ...], tests: ModuleType) -> None:
    assert len(set(modules)) == len(modules)
    assert difference(modules, tests) == set()


def test_a_module_without_a_test_is_noticed_and_so_is_a_test_without_a_module() -> None:
    forgotten = difference((*plans.BASIC, "oidcc-userinfo-rs256"), test_basic_op)
    assert forgotten == {"test_oidcc_userinfo_rs256"}
    assert difference(plans.BASIC[1:], test_basic_op) == {"test_oidcc_server"}


def test_the_plans_have_as_many_modules_as_their_publisher_lists() -> None:
    assert [len(modules) for modules, _ in PLANS] == [38, 38, 1, 11]


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "https://id.example.com/"},
        {"client_id": "another"},
        {"nonce": "another"},
        {"nonce": None},
        {"access_token": "another"},
        {"now": 3600},
        {"now": -1},
        {"now": 301},
        {"token": "unsigned"},
        {"token": "altered"},
        {"jwks": "another key"},
    ],
    ids=str,
)
def test_the_relying_party_refuses_an_id_token_with_one_thing_wrong(
    rp: RelyingParty, clock: Clock, change: dict[str, str | int | None]
) -> None:
    login = rp.log_in()
    token, now = login.tokens["id_token"], int(clock.now.timestamp())
    head, _, tail = token.rpartition(".")
    forged = {
        "unsigned": id_tokens.unsigned(login.claims),
        "altered": f"{head}.{'B' if tail[0] == 'A' else 'A'}{tail[1:]}",
    }
    keys = rp.call("GET", rp.metadata["jwks_uri"]).json["keys"]
    good = {
        "token": token,
        "jwks": {"keys": keys},
        "issuer": rp.metadata["issuer"],
        "client_id": rp.client_id,
        "nonce": login.request["nonce"],
        "access_token": login.tokens["access_token"],
        "now": now,
    }
    assert id_tokens.verified(**good)["sub"] == login.claims["sub"]
    given = {
        "now": lambda seconds: now + seconds,
        "token": forged.get,
        "jwks": lambda _: {"keys": [key for key in keys if key["kid"] != id_tokens.header(token)["kid"]]},
    }
    bad = {name: given.get(name, lambda same: same)(value) for name, value in change.items()}
    with pytest.raises((JoseError, AssertionError, ValueError)):
        id_tokens.verified(**{**good, **bad})
