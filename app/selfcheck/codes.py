"""Probes of the authorization code: who can redeem it, how often, and with what proof."""

from collections.abc import Mapping

from app.errors import sentence
from app.selfcheck.findings import REPORT, Book, Seen, in_order, passed, refused
from app.selfcheck.visit import AUTHORIZE, STATE, Visit, tokens_of
from app.selfcheck.visitor import Reply

book = Book()
LOGGED_IN = sentence("A member logged in by the page, allowed an application, and it got tokens that userinfo knows.")


@book.probe(
    sentence("A person can log in, and an application gets tokens"),
    advice=sentence("Look at the log of the portal: nothing that needs a login can be tried before this works."),
    reference="OpenID Connect Core 1.0 section 3.1",
)
def login(visit: Visit) -> Seen:
    """The whole way, as a person and an application go it."""
    tokens = visit.tokens
    known = visit.userinfo(tokens.access).json().get("sub")
    problems = {
        "userinfo: sub": known == visit.lent.user_id,
        "introspect: active": visit.is_active(tokens.access),
        "refresh_token": bool(tokens.refresh),
        "id_token": bool(tokens.id_token),
    }
    wrong = [name for name, is_right in problems.items() if not is_right]
    return in_order(wrong, len(problems)) if wrong else passed(LOGGED_IN)


@book.probe(
    sentence("Answers name the portal and carry the state"),
    advice=REPORT,
    reference="RFC 9207 section 2, RFC 9700 section 4.4",
)
def answer_issuer(visit: Visit) -> Seen:
    """``iss`` and ``state`` in a code and in an error, so that no answer can be taken for another server's."""
    error = visit.stranger().get(AUTHORIZE, visit.request(prompt="none")).parameters
    answers: dict[str, Mapping[str, str]] = {"code": visit.answer, "error": error}
    problems = [f"{name}: missing" for name, given in answers.items() if name not in given]
    for name, given in answers.items():
        problems += [] if given.get("iss") == visit.issuer else [f"{name}: iss"]
        problems += [] if given.get("state") == STATE else [f"{name}: state"]
    return in_order(problems, len(answers))


@book.probe(
    sentence("A code counts once, and using it again ends what it gave"),
    advice=REPORT,
    reference="RFC 6749 section 4.1.2, RFC 9700 section 4.5, ASVS 5.0 10.4.2",
)
def code_replay(visit: Visit) -> Seen:
    """A second redemption is refused, and the tokens of the first die."""
    code = visit.code()
    first = tokens_of(visit.redeem(code))
    return refused(
        {
            "grant_type=authorization_code ×2": visit.redeem(code).is_good,
            "userinfo": visit.userinfo(first.access).is_good,
            "introspect": visit.is_active(first.access),
            "grant_type=refresh_token": visit.refresh(first.refresh).is_good,
        }
    )


@book.probe(
    sentence("A code is of one application"),
    advice=REPORT,
    reference="RFC 6749 section 4.1.3, RFC 9700 section 4.5",
)
def code_client(visit: Visit) -> Seen:
    """Another client gets nothing for it."""
    return refused({"client_id": visit.redeem(visit.code(), visit.lent.other).is_good})


@book.probe(
    sentence("A code is of one redirect URI"),
    advice=REPORT,
    reference="RFC 6749 section 4.1.3",
)
def code_redirect_uri(visit: Visit) -> Seen:
    """Another registered one, and none, are refused."""
    another = visit.redeem(visit.code(), redirect_uri=visit.lent.second_redirect_uri)
    return refused(
        {
            "redirect_uri=…/second": another.is_good,
            "redirect_uri=": visit.redeem(visit.code(), redirect_uri=None).is_good,
        }
    )


@book.probe(
    sentence("An application cannot leave PKCE out"),
    advice=REPORT,
    reference="RFC 9700 section 2.1.1, ASVS 5.0 10.4.6",
)
def pkce_required(visit: Visit) -> Seen:
    """Without a challenge there is no code."""
    visit.ensure_login()
    without: dict[str, str | None] = {"code_challenge": None, "code_challenge_method": None}
    public = visit.authorize(client_id=visit.lent.other, **without)
    return refused(
        {
            "code_challenge=": _gives_code(visit.authorize(**without)),
            "client_secret=, code_challenge=": _goes_on(public),
        }
    )


@book.probe(
    sentence("PKCE by plain text is refused"),
    advice=REPORT,
    reference="RFC 9700 section 2.1.1, RFC 7636 section 4.3",
)
def pkce_plain(visit: Visit) -> Seen:
    """``plain``, said or implied, gets no code."""
    visit.ensure_login()
    plain = visit.authorize(code_challenge_method="plain", code_challenge=visit.verifier)
    implied = visit.authorize(code_challenge_method=None, code_challenge=visit.verifier)
    return refused({"code_challenge_method=plain": _gives_code(plain), "code_challenge_method=": _gives_code(implied)})


@book.probe(
    sentence("A code without its PKCE verifier is worth nothing"),
    advice=REPORT,
    reference="RFC 7636 section 4.6, RFC 9700 section 4.8",
)
def pkce_verifier(visit: Visit) -> Seen:
    """None, and a wrong one."""
    wrong = visit.verifier[::-1]
    return refused(
        {
            "code_verifier=": visit.redeem(visit.code(), code_verifier=None).is_good,
            "code_verifier=…": visit.redeem(visit.code(), code_verifier=wrong).is_good,
        }
    )


def _gives_code(reply: Reply) -> bool:
    return "code" in reply.parameters


def _goes_on(reply: Reply) -> bool:
    """Whether a request of a client that was not allowed yet is taken: to the page that asks, or to a code."""
    return _gives_code(reply) or reply.parameters.get("interaction") is not None
