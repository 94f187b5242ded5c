"""The URL of a store, also with several PostgreSQL servers in libpq's own spelling: `postgresql://h1:5432,h2/db`."""

import re
from itertools import zip_longest

from sqlalchemy import exc
from sqlalchemy.engine import URL, make_url

from gateway.model.errors import ConfigurationError

URL_CURE = "write sqlite:////folder/file or postgresql://user@host/database"
WRONG = f"not a database URL: {URL_CURE}"

_SERVERS = re.compile(r"(?P<before>postgres[^:]*://(?:[^@/?#]*@)?)(?P<servers>[^/?#@]*,[^/?#@]*)(?P<after>[/?#].*|)", re.DOTALL)
_SERVER = re.compile(r"(?P<host>\[[0-9A-Fa-f:.%]+\]|[^:\[\]]*)(?::(?P<port>\d{1,5}))?")


def parse(url: str) -> URL:
    """Return the parsed URL, see `checked`. Raises ConfigurationError."""
    try:
        return checked(url)
    except ValueError as error:
        raise ConfigurationError(f"[store] url: {error}") from None


def checked(url: str) -> URL:
    """Return the parsed URL; of several servers as SQLAlchemy and psycopg take them (`host` and `port` among the options).
    Connects to nothing. Raises ValueError; no message has a part of the URL but its scheme: the rest may hold a password."""
    try:
        parsed = _parsed(url)
        family = parsed.get_backend_name()
        if family in ("postgresql", "postgres"):
            parsed = parsed.set(drivername="postgresql+psycopg")
            parsed.get_dialect()().create_connect_args(parsed)  # as many hosts as ports, for one
            return parsed
    except (exc.ArgumentError, ValueError):
        raise ValueError(WRONG) from None
    if family != "sqlite":
        raise ValueError(f"{family!r} is not supported: {URL_CURE}")
    if not parsed.database or parsed.database == ":memory:":
        raise ValueError("SQLite needs a file (sqlite:////var/lib/…): nothing in memory survives a stop")
    return parsed


def _parsed(url: str) -> URL:
    several = _SERVERS.fullmatch(url)
    if several is None:
        return make_url(url)
    servers = [_SERVER.fullmatch(server) for server in several["servers"].split(",")]
    known = [server for server in servers if server]
    if len(known) < len(servers):
        raise ValueError(WRONG)
    hosts = ",".join(server["host"].strip("[]") for server in known)
    ports = ",".join(server["port"] or "" for server in known)
    return make_url(several["before"] + several["after"]).update_query_dict({"host": hosts, "port": ports})


def shown(url: URL) -> str:
    """Return the URL for messages: with its servers, without a password."""
    several = url.query.get("host")
    if not isinstance(several, str) or url.host:
        name = URL.create("postgresql", username=url.username, host=url.host, port=url.port, database=url.database)
        return name.render_as_string()
    bracketed = [f"[{host}]" if ":" in host else host for host in several.split(",")]
    ports = str(url.query.get("port", "")).split(",")
    servers = ",".join(f"{host}:{port}" if port else host for host, port in zip_longest(bracketed, ports, fillvalue=""))
    user = f"{url.username}@" if url.username else ""
    return f"postgresql://{user}{servers}/{url.database or ''}"
