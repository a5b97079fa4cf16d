"""Redis as people have it: users confined to a prefix, TLS, Sentinels, clusters; what cannot be used says why."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import pytest
import redis

from app.settings import ConfigurationError, Settings
from app.stores import KeyValueStore, StoreUnavailable, open_store
from tests.certificates import certified
from tests.servers import RedisServer, Server, free_port, running


def works(store: KeyValueStore) -> None:
    """Every step of the port."""
    store.ping()
    store.put("key", b"value", 60)
    assert store.get("key") == b"value"
    assert store.peek_ttl("key") in {59, 60}
    assert store.add("key", b"other", 60) is False
    assert store.take("key") == b"value"
    assert store.add("key", b"other", 60) is True
    assert [store.increment("count", 60) for _ in range(2)] == [1, 2]
    store.delete("key")
    assert store.get("key") is None


@pytest.fixture
def confined(redis_url: str) -> Iterator[str]:
    """The address for a user who may touch keys of ``portal:`` alone, and nothing that is dangerous."""
    with redis.Redis.from_url(redis_url) as admin:
        rules = ["on", ">p@ss/word#1", "~portal:*", "+@all", "-@dangerous", "-@admin"]
        admin.execute_command("ACL", "SETUSER", "portal", *rules)
        yield redis_url.replace("//", "//portal:p%40ss%2Fword%231@")
        admin.execute_command("ACL", "DELUSER", "portal")


def test_a_user_confined_to_a_prefix_is_enough(confined: str, redis_url: str) -> None:
    with closing(open_store(confined, prefix="portal:")) as store:
        works(store)
    with redis.Redis.from_url(redis_url) as admin:
        assert set(admin.keys()) == {b"portal:count"}


def test_a_user_who_is_denied_something_is_told_what(confined: str, redis_url: str, tmp_path: Path) -> None:
    with closing(open_store(confined)) as store, pytest.raises(StoreUnavailable, match="does not permit this user SET"):
        store.ping()
    with redis.Redis.from_url(redis_url) as admin:
        admin.execute_command("ACL", "SETUSER", "portal", "-@scripting")
    with closing(open_store(confined, prefix="portal:")) as store:
        with pytest.raises(StoreUnavailable, match="EVALSHA") as refusal:
            store.ping()
        assert "p@ss" not in str(refusal.value)
    refused = pytest.raises(StoreUnavailable, match="does not accept the user name or password")
    with closing(open_store(redis_url.replace("//", "//portal:wrong@"), prefix="portal:")) as store, refused:
        store.ping()


def test_portals_with_prefixes_of_their_own_share_nothing(redis_url: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        first, second = (stack.enter_context(closing(open_store(redis_url, prefix=name))) for name in ("a:", "b:"))
        first.put("key", b"first", 60)
        assert second.get("key") is None
        assert second.add("key", b"second", 60) is True
        assert first.take("key") == b"first"


def test_the_connection_may_be_encrypted(tmp_path: Path) -> None:
    certificate, key = tmp_path / "redis.pem", tmp_path / "redis.key"
    certified(certificate, "localhost")
    port = free_port()
    options = f"--tls-port {port} --tls-cert-file {certificate} --tls-key-file {key} --tls-auth-clients no"
    with running(partial(RedisServer, more=options)):
        trusting = f"rediss://localhost:{port}/0?{urlencode({'ssl_ca_certs': certificate})}"
        with closing(open_store(trusting)) as store:
            works(store)
        with closing(open_store(f"rediss://localhost:{port}/0")) as store, pytest.raises(StoreUnavailable):
            store.ping()


class SentinelServer(Server):
    """A Sentinel that watches a master and a replica."""

    def __init__(self, directory: Path, master: RedisServer) -> None:
        self.port = free_port()
        configuration = directory / "sentinel.conf"
        configuration.write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {directory}\n"
            f"sentinel monitor portal 127.0.0.1 {master.port} 1\n"
            "sentinel down-after-milliseconds portal 500\nsentinel failover-timeout portal 2000\n"
        )
        super().__init__(["redis-server", str(configuration), "--sentinel"], directory / "log", self._answers)

    def replicas(self) -> int:
        """How many replicas it knows."""
        with redis.Redis(port=self.port, decode_responses=True) as client:
            return len(client.sentinel_slaves("portal"))

    def _answers(self) -> bool:
        with redis.Redis(port=self.port, socket_timeout=1) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False


def test_sentinels_lead_to_whoever_is_master_now(tmp_path: Path) -> None:
    with running(RedisServer) as master, running(RedisServer) as replica:
        with redis.Redis.from_url(replica.url) as client:
            client.replicaof("127.0.0.1", str(master.port))
        with running(partial(SentinelServer, master=master)) as sentinel:
            wait_until(lambda: sentinel.replicas() == 1)
            nobody = free_port()
            url = f"redis+sentinel://127.0.0.1:{nobody},127.0.0.1:{sentinel.port}/portal/0"
            with closing(open_store(url)) as store:
                works(store)
                master.stop()
                wait_until(lambda: answers(store))
                works(store)


def test_a_node_of_a_cluster_is_a_clear_no(tmp_path: Path) -> None:
    refused = pytest.raises(StoreUnavailable, match="part of a cluster, which is not supported")
    # The port of the nodes among themselves is 10,000 further on if none is named.
    cluster = f"--cluster-enabled yes --cluster-port {free_port()}"
    with running(partial(RedisServer, more=cluster)) as node, ExitStack() as stack:
        store = stack.enter_context(closing(open_store(node.url)))
        with refused:
            store.ping()


def answers(store: KeyValueStore) -> bool:
    try:
        store.ping()
    except StoreUnavailable:
        return False
    return True


def wait_until(happens: object) -> None:
    """Wait for it, a good while."""
    assert callable(happens)
    deadline = time.monotonic() + 30
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://cache", "must start with"),
        ("redis://cache:port/0", "port that is a number"),
        ("redis://cache:99999/0", "port that is a number"),
        ("redis:///0", "must name a host"),
        ("redis://:p@ss@cache/0", "percent-encoded"),
        ("redis://:p#ss@cache/0", "percent-encoded"),
        ("redis://cache/zero", "number of a database"),
        ("redis://a,b/0", "must name a host"),
        ("redis+sentinel://a,b", "must name the master"),
        ("redis+sentinel://a:x,b/name", "port that is a number"),
        ("redis://cache /0", "no blanks"),
    ],
)
def test_an_address_that_cannot_be_used_is_one_line_without_its_password(
    url: str, problem: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match=problem) as refused:
        Settings.from_environment({"REDIS_URL": url, "INSTANCE_PATH": str(tmp_path)})
    assert len(refused.value.problems) == 1
    assert "ss@" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "redis://cache",
        "redis://cache:6380/2?socket_timeout=1",
        "unix:///run/redis.sock",
        "rediss://u:p%40@[::1]:6379/0",
    ],
)
def test_addresses_people_have_are_taken(url: str, tmp_path: Path) -> None:
    settings = Settings.from_environment({"REDIS_URL": f" {url} ", "INSTANCE_PATH": str(tmp_path)})
    assert settings.storage.redis_url == url
