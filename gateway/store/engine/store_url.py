"""The URL of a store, also with several PostgreSQL servers in libpq's own spelling: `postgresql://h1:5432,h2/db`."""

import re
from itertools import zip_longest

from sqlalchemy import exc
from sqlalchemy.engine import URL, make_url

from gateway.model.errors import ConfigurationError

WRONG = "[store] url is not a database URL: write sqlite:///path or postgresql://user@host/db"

_SERVERS = re.compile(r"(?P<before>postgres[^:]*://(?:[^@/?#]*@)?)(?P<servers>[^/?#@]*,[^/?#@]*)(?P<after>[/?#].*|)", re.DOTALL)
_SERVER = re.compile(r"(?P<host>\[[0-9A-Fa-f:.%]+\]|[^:\[\]]*)(?::(?P<port>\d{1,5}))?")


def parse(url: str) -> URL:
    """Return the parsed URL; of several servers as SQLAlchemy and psycopg take them (`host` and `port` among the options).
    Raises ConfigurationError; no message has a part of the URL, which may hold a password."""
    try:
        several = _SERVERS.fullmatch(url)
        if several is None:
            return make_url(url)
        servers = [_SERVER.fullmatch(server) for server in several["servers"].split(",")]
        parsed = make_url(several["before"] + several["after"])
    except (exc.ArgumentError, ValueError):
        servers, parsed = [None], URL.create("none")
    if not all(servers):
        raise ConfigurationError(WRONG)
    known = [server for server in servers if server]
    hosts = ",".join(server["host"].strip("[]") for server in known)
    ports = ",".join(server["port"] or "" for server in known)
    return parsed.update_query_dict({"host": hosts, "port": ports})


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
