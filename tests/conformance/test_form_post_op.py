"""The plan ``oidcc-formpost-basic-certification-test-plan``: the Basic modules again, answered by a form.

What the relying party receives is then read from the form alone: see ``RelyingParty.received``.
"""

import re

import pytest

from tests.conformance import test_basic_op
from tests.conformance.plans import FORM_POST_BASIC, function_of
from tests.conformance.relying_party import REDIRECT_URI, RelyingParty

for _module in FORM_POST_BASIC:
    globals()[function_of(_module)] = getattr(test_basic_op, function_of(_module))


@pytest.fixture
def response_mode() -> str:
    """What every request of this plan asks for."""
    return "form_post"


def test_the_answering_page_sends_its_form_by_a_script_its_policy_allows(rp: RelyingParty) -> None:
    """OAuth 2.0 Form Post Response Mode section 2: the browser posts the form without being asked."""
    document = rp.act(rp.ask()).document
    assert REDIRECT_URI not in document.url
    (script,) = re.findall(r'<script nonce="([^"]+)">document\.getElementById\("answer"\)\.submit\(\);', document.text)
    assert f"'nonce-{script}'" in document.headers["content-security-policy"]
