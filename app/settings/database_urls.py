"""``DATABASE_URL`` in the forms people have: SQLAlchemy's, and those of PostgreSQL's own programs with several hosts.

What is wrong with one is said in constants, for anything in it may be a part of its password.
"""

import re
from pathlib import Path
from urllib.parse import parse_qsl, unquote

import sqlalchemy as sa
from psycopg import pq

SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")
# Up to the only @, a password may have any character but that one as it is.
PARTS = re.compile(
    r"(?:(?P<name>[^:/?@]*)(?::(?P<password>[^@]*))?@)?"
    r"(?P<hosts>[^/?@]*)(?:/(?P<database>[^?@]*))?(?:\?(?P<query>.*))?",
    re.DOTALL,
)
PORT_OR_PASSWORD = re.compile(r"\d*(,[^/?]*)?[/?]")
NETWORK = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+(?:%\w+)?\]|[^:]*)(?::(?P<port>\d*))?")
HOST = re.compile(r"[A-Za-z0-9._-]+|(?=.*:.*:)[0-9A-Fa-f:.]+(?:%\w+)?|/.*")
CHOICES = {
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "target_session_attrs": ("any", "read-write", "read-only", "primary", "standby", "prefer-standby"),
    "channel_binding": ("disable", "prefer", "require"),
    "gssencmode": ("disable", "prefer", "require"),
    "load_balance_hosts": ("disable", "random"),
}
NUMBERS = ("connect_timeout", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout")
SECRETS = ("password", "sslpassword", "oauth_client_secret")
DEFAULT_PORT = "5432"
MASKED = "-masked-"
ENCODE = "percent-encode what is special in its name and password (@ is %40, : is %3A, / is %2F, ? is %3F)"


def database_url(value: str) -> str:
    """The database as a URL of SQLAlchemy with the driver we use; empty for none.

    Name, password, hosts and database may be percent-encoded; in a password only ``@`` must be.
    """
    text = value.strip()
    scheme, found, rest = text.partition("://")
    if scheme.lower() == "sqlite" and rest.startswith("/"):
        return _sqlite(rest)
    if found and scheme.lower() in SCHEMES:
        return _postgresql(rest)
    if text:
        raise ValueError("must start with sqlite:/// or postgresql://")
    return ""


def masked(url: str, mask: str) -> str:
    """A URL of :func:`database_url` as it may be shown."""
    parts = sa.make_url(url)
    if parts.password:
        parts = parts.set(password=MASKED)
    parts = parts.update_query_dict({name: MASKED for name in SECRETS if name in parts.query})
    return parts.render_as_string(hide_password=False).replace(MASKED, mask)


def _sqlite(rest: str) -> str:
    path = rest[1:].partition("?")[0]
    if path in {"", ":memory:"} or path.endswith("/"):
        raise ValueError("must name a file, such as sqlite:////var/lib/portal/portal.db")
    return f"sqlite://{rest}"


def _postgresql(rest: str) -> str:
    parts = PARTS.fullmatch(rest)
    # host:5432/name?user=me@there reads as a name with a password as well.
    if parts is None or PORT_OR_PASSWORD.match(parts["password"] or "") or not rest.isprintable():
        raise ValueError(f"can be read in more than one way: {ENCODE}")
    options = _options(parts["query"] or "")
    hosts = [_named(host) for host in _listed(options.pop("host", ""))]
    hosts = hosts or [_located(part) for part in _listed(parts["hosts"])]
    hosts = _with_ports(hosts, options.pop("port", ""))
    is_plain = len(hosts) == 1 and not hosts[0][0].startswith("/")
    if hosts and not is_plain:
        options["host"] = ",".join(host for host, _ in hosts)
        options["port"] = ",".join(port or DEFAULT_PORT for _, port in hosts)
    url = sa.URL.create(
        "postgresql+psycopg",
        username=options.pop("user", "") or unquote(parts["name"] or "") or None,
        password=options.pop("password", "") or unquote(parts["password"] or "") or None,
        host=hosts[0][0] if is_plain else None,
        port=int(hosts[0][1]) if is_plain and hosts[0][1] else None,
        database=options.pop("dbname", "") or unquote(parts["database"] or "") or None,
        query=options,
    )
    return url.render_as_string(hide_password=False)


def _options(query: str) -> dict[str, str]:
    """What follows the question mark."""
    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    options: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name == "host" and name in options:
            value = f"{options[name]},{value}"  # as SQLAlchemy writes several
        options[name] = value
    if options.pop("ssl", "") == "true":  # as JDBC writes it
        options.setdefault("sslmode", "require")
    if not known.issuperset(options):
        raise ValueError("has a parameter after the ? that PostgreSQL does not know")
    _check(options)
    return options


def _check(options: dict[str, str]) -> None:
    """Refuse values of which the server would be asked in vain for ever."""
    for name, allowed in CHOICES.items():
        if options.get(name, allowed[0]) not in allowed:
            raise ValueError(f"has a {name} that is none of {', '.join(allowed)}")
    for name in NUMBERS:
        if not re.fullmatch(r"\d{1,9}", options.get(name, "0")):
            raise ValueError(f"has a {name} that is no number")


def _listed(text: str) -> list[str]:
    return text.split(",") if text else []


def _located(part: str) -> tuple[str, str]:
    """A host and its port, which may be empty, as they stand before the path."""
    network = NETWORK.fullmatch(part)
    host = unquote(network["host"]) if network else ""
    if network is None or not HOST.fullmatch(host.strip("[]")):
        raise ValueError(f"has a host or port that cannot be one: {ENCODE}")
    return host.strip("[]"), network["port"] or ""


def _named(host: str) -> tuple[str, str]:
    """The same of a parameter: directories of sockets and addresses have colons of their own."""
    if not HOST.fullmatch(host):
        return _located(host)
    return host, ""


def _with_ports(hosts: list[tuple[str, str]], text: str) -> list[tuple[str, str]]:
    """The hosts with the ports that the query names for all of them or for each."""
    ports = _listed(text)
    if len(ports) == 1:
        ports *= len(hosts) or 1
    if ports:
        if len(ports) != max(len(hosts), 1):
            raise ValueError("must name as many ports as hosts, or one")
        hosts = [(host, port or before) for (host, before), port in zip(hosts or [("", "")], ports, strict=True)]
    if not all(re.fullmatch(r"\d{0,5}", port) and int(port or 1) in range(1, 65536) for _, port in hosts):
        raise ValueError(f"has a port that is not between 1 and 65535: {ENCODE}")
    return hosts


def file_of(url: str, instance: Path) -> Path | None:
    """The file of SQLite that a URL of :func:`database_url` names, which may be relative to ``instance``."""
    parts = sa.make_url(url)
    if parts.get_backend_name() != "sqlite":
        return None
    name = parts.database or ""
    return instance / (name.removeprefix("file:") if "uri" in parts.query else name)
