"""The fault program itself: an honest portal passes, and every kind of broken promise is found."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
import sqlalchemy as sa

from benchmarks.faults import rows
from benchmarks.faults.__main__ import choose
from benchmarks.faults.auditor import Auditor
from benchmarks.faults.balancer import balanced
from benchmarks.faults.drill import Result, Row, Run, Window, judge
from benchmarks.faults.ledger import Fact, Ledger, digest
from benchmarks.faults.person import Person, World
from benchmarks.faults.stand import Stand, on_sqlite
from benchmarks.faults.standing import Family, Standing
from benchmarks.faults.wire import LOST, Line, Sample, Tape
from tests.servers import free_port, unrestricted_engine

MOST_SECONDS = 90.0
# Each person may yet end one family between enough and the end; the tests take six.
PEOPLE, FAMILIES = 12, 18


@dataclass
class Scene:
    """A portal after some load, and the ledger of it."""

    stand: Stand
    world: World
    used: set[str] = field(default_factory=set)

    def standing(self, *more: Fact) -> Standing:
        """Where the ledger leads, with further facts."""
        return Standing.of([*self.world.ledger.facts, *more])

    def alive(self) -> Family:
        """A family of which nothing was ended, and which no test has had before."""
        found = next(family for family in untouched(self.standing()) if family.code not in self.used)
        self.used.add(found.code)
        return found

    def audit(self, *more: Fact) -> list[str]:
        """What the auditor finds, with further facts; looks only at what they are about."""
        standing = self.standing(*more)
        codes = {fact.values.get("code") for fact in more}
        cookies = {fact.values.get("cookie") for fact in more}
        if more:
            standing.families = {code: family for code, family in standing.families.items() if code in codes}
            standing.sessions = {cookie: each for cookie, each in standing.sessions.items() if cookie in cookies}
        return Auditor(self.stand.client, self.stand.portal.port, standing).run()


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with on_sqlite() as stand, closing(Ledger(tmp_path_factory.mktemp("ledger") / "ledger.jsonl")) as ledger:
        world = World(stand.portal.port, stand.client, ledger)
        people = [Person(world, number) for number in range(PEOPLE)]
        threads = [threading.Thread(target=person.run) for person in people]
        for thread in threads:
            thread.start()
        end = time.monotonic() + MOST_SECONDS
        while not is_enough(ledger) and time.monotonic() < end:
            time.sleep(0.1)
        world.stop.set()
        for thread in threads:
            thread.join()
        yield Scene(stand, world)


def test_the_load_meets_no_surprise_and_writes_every_kind_of_fact_down(scene: Scene) -> None:
    assert scene.world.surprises == []
    assert [sample for sample in scene.world.tape.samples if sample.has_failed] == []
    kinds = {fact.kind for fact in scene.world.ledger.facts}
    assert {"registered", "session began", "consent given", "code issued", "tokens issued", "refreshed"} <= kinds
    assert {"revoked", "access revoked"} <= kinds


def test_no_secret_is_in_the_file(scene: Scene) -> None:
    text = scene.world.ledger.path.read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert len(lines) == len(scene.world.ledger.facts)
    family = scene.alive()
    for secret in (*family.accesses, *family.refreshes, family.code, family.session.cookie):
        assert secret not in text
        assert digest(secret) in text


def test_an_honest_portal_passes(scene: Scene) -> None:
    for family in (scene.alive(), ended(scene)):
        assert scene.audit(*of(scene, family)) == []


def test_a_token_that_outlives_its_revocation_is_found(scene: Scene) -> None:
    found = scene.audit(Fact("revoked", {"code": scene.alive().code}))
    assert any("userinfo of an ended access token answered 200" in each for each in found)
    assert any("its ended refresh token got 200" in each for each in found)


def test_a_denied_token_that_works_is_found(scene: Scene) -> None:
    family = scene.alive()
    found = scene.audit(Fact("access revoked", {"code": family.code, "access": family.accesses[-1]}))
    assert any("userinfo of an ended access token answered 200" in each for each in found)


def test_a_session_that_outlives_its_end_is_found(scene: Scene) -> None:
    found = scene.audit(Fact("session ended", {"cookie": scene.alive().session.cookie}))
    assert any("ended, and silent authorization answered 302 a code" in each for each in found)


def test_a_live_token_that_was_lost_is_found(scene: Scene) -> None:
    family, line = scene.alive(), Line(scene.stand.portal.port, Tape())
    assert scene.stand.client.revoke(line, family.refreshes[-1]).status == 200
    line.close()
    found = scene.audit(*of(scene, family))
    assert any("userinfo of a live access token answered 401" in each for each in found)
    assert any("its live refresh token got 400" in each for each in found)


def test_a_parent_with_two_children_is_found(scene: Scene) -> None:
    family = ended(scene)
    twin = Fact("refreshed", {"code": family.code, "parent": family.code, "access": "a", "refresh": "twin"})
    assert any("has 2 children" in each for each in scene.audit(twin))


def test_what_is_missing_or_without_owner_in_the_tables_is_found(scene: Scene) -> None:
    assert rows.judge(scene.stand, scene.standing()) == []
    ghosts = [Fact("registered", {"email": "ghost@example.com"}), Fact("consent given", {"email": "ghost@example.com"})]
    assert rows.judge(scene.stand, scene.standing(*ghosts)) == [
        "rows: ghost@example.com registered and is not there",
        "rows: ghost@example.com consented and it is not there",
    ]
    engine = unrestricted_engine(scene.stand.portal.environment["DATABASE_URL"])
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE authorization_codes SET family_id = NULL WHERE family_id IS NOT NULL"))
        connection.execute(sa.text("UPDATE consents SET user_id = 'nobody' WHERE id = (SELECT min(id) FROM consents)"))
    found = " ".join(rows.judge(scene.stand, scene.standing()))
    assert "times a spent code without its family" in found
    assert "times a family without its code" in found
    assert "of consents.user_id without their owner" in found


@pytest.mark.parametrize(
    ("failed", "expected"),
    [
        (Sample("userinfo", 12, 12.1, 503), []),
        (Sample("userinfo", 12, 12.1, 500), ["500 at userinfo"] * 2),
        (Sample("userinfo", 12, 12.1, LOST), ["no answer at userinfo"]),
        (Sample("revoke", 12, 12.1, 503), ["503 at revoke"]),
        (Sample("userinfo", 5, 5.1, 503), ["503 at userinfo", "the fault was not felt"]),
        (Sample("userinfo", 26, 26.1, 503), ["503 at userinfo", "the last request failed 6.1 s after the fault"]),
        (Sample("userinfo", 12, 14, 200), ["a request took 2.00 s, before the fault 0.10 s", "the fault was not felt"]),
    ],
)
def test_the_verdict(scene: Scene, failed: Sample, expected: list[str]) -> None:
    row = Row("R", "", on_sqlite, lambda _: None, frozenset({503}), frozenset({"revoke"}), slowest=1.0)
    world = World(0, scene.stand.client, scene.world.ledger)
    world.tape.samples += [Sample("userinfo", 4, 4.1, 200), failed]
    result = judge(row, Run(scene.stand, world, False), Window(3.0, 10.0, 20.0))
    if "after the fault" in " ".join(expected):
        expected = [*expected, "the fault was not felt"]
    assert result.violations == expected


def test_a_row_that_was_skipped_has_not_passed() -> None:
    (row,) = choose("R3")
    assert not Result(row, skipped="no root").has_passed
    assert Result(row).has_passed


def test_rows_are_chosen_by_their_first_word_or_whole() -> None:
    assert [row.name for row in choose("R4")] == ["R4 pause", "R4 sleep"]
    assert [row.name for row in choose("R4 sleep, R17")] == ["R4 sleep", "R17"]
    assert choose("R99") == []


def is_enough(ledger: Ledger) -> bool:
    """Whether every test finds what it needs."""
    facts = list(ledger.facts)
    kinds = {fact.kind for fact in facts}
    return {"revoked", "access revoked"} <= kinds and len(untouched(Standing.of(facts))) >= FAMILIES


def untouched(standing: Standing) -> list[Family]:
    """Families whose tokens are all good."""
    families = standing.families.values()
    return [family for family in families if family.is_alive and family.accesses and not family.denied]


def ended(scene: Scene) -> Family:
    """A family that was revoked."""
    return next(family for family in scene.standing().families.values() if family.is_revoked)


def of(scene: Scene, family: Family) -> list[Fact]:
    """The facts of a family once more, which changes nothing."""
    kinds = {"tokens issued", "refreshed", "revoked"}
    return [fact for fact in scene.world.ledger.facts if fact.kind in kinds and fact.values["code"] == family.code]


class Node(BaseHTTPRequestHandler):
    """A node that says whether it is ready, and who it is."""

    def do_GET(self) -> None:
        """Answer as the test wants."""
        is_asked = self.path == "/ready"
        body = str(self.server.server_address[1]).encode()
        self.send_response(503 if is_asked and self.server in LEAVING else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


LEAVING: set[object] = set()


def test_the_balancer_sends_people_to_nodes_that_are_ready() -> None:
    nodes = [ThreadingHTTPServer(("127.0.0.1", 0), Node) for _ in range(2)]
    door = free_port()
    ports = [node.server_address[1] for node in nodes]

    def answering() -> set[int]:
        return {int(requests.get(f"http://127.0.0.1:{door}/", timeout=5).text) for _ in range(6)}

    with ExitStack() as stack:
        for node in nodes:
            stack.callback(node.server_close)
            stack.callback(node.shutdown)
            threading.Thread(target=node.serve_forever, daemon=True).start()
        stack.enter_context(balanced(door, ports))
        assert answering() == set(ports)
        LEAVING.add(nodes[0])
        wait_until(lambda: answering() == {ports[1]})
        LEAVING.add(nodes[1])
        wait_until(lambda: is_closed(door))
        LEAVING.clear()
        wait_until(lambda: not is_closed(door) and answering() == set(ports))


def is_closed(door: int) -> bool:
    try:
        requests.get(f"http://127.0.0.1:{door}/", timeout=5)
    except requests.ConnectionError:
        return True
    return False


def wait_until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 15
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.1)
