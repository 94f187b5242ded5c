"""slapd.conf(5) for a private server: what can be chosen, and the text that comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tests.servers.people import SUFFIX
from tests.servers.pki import Pki

SCHEMAS = ("core", "cosine", "inetorgperson", "nis", "dyngroup")
INDEXES = ("objectClass,entryUUID,entryCSN eq", "uid,cn,sn,mail,member eq")
SERVER_ID = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SlapdOptions:
    """What the server can do. `session_log` decides what syncprov remembers of deletions (see slapo-syncprov(5)):

    none – an incremental refresh ends with a present phase; memory – deletions are remembered until a restart;
    accesslog – deletions are remembered in a database of their own and outlive a restart.
    """

    suffix: str = SUFFIX
    syncprov: bool = True
    session_log: Literal["none", "memory", "accesslog"] = "memory"
    memberof: bool = True
    refint: bool = True
    ppolicy: bool = False
    indexes: Sequence[str] = INDEXES
    log: str = "stats,sync"
    durable: bool = False  # whether each transaction is synced to disk before it is answered
    extra: Sequence[str] = ()  # further lines of slapd.conf in the main database, such as "syncrepl …" or "sizelimit 10"


@dataclass(frozen=True, slots=True)
class Account:
    """A DN to bind as, and its password."""

    dn: str
    password: str = field(repr=False)


def configuration(options: SlapdOptions, directory: Path, pki: Pki, admin: Account) -> str:
    """The text of slapd.conf(5)."""
    lines = [f"include /etc/ldap/schema/{name}.schema" for name in SCHEMAS]
    lines += ["modulepath /usr/lib/ldap", *(f"moduleload {name}" for name in modules(options))]
    lines += [f"TLSCACertificateFile {pki.ca}", f"TLSCertificateFile {pki.certificate}", f"TLSCertificateKeyFile {pki.key}"]
    lines += [f"pidfile {directory}/slapd.pid", f"serverID {SERVER_ID}"]
    if options.session_log == "accesslog":
        lines += access_log_database(options, directory, admin)
    return "\n".join([*lines, *main_database(options, directory, admin), *overlays(options), ""])


def modules(options: SlapdOptions) -> list[str]:
    chosen = {
        "back_mdb": True,
        "syncprov": options.syncprov,
        "memberof": options.memberof,
        "refint": options.refint,
        "ppolicy": options.ppolicy,
        "accesslog": options.session_log == "accesslog",
    }
    return [name for name, wanted in chosen.items() if wanted]


def main_database(options: SlapdOptions, directory: Path, admin: Account) -> list[str]:
    reader = f'dn.exact="cn=reader,{options.suffix}"'
    return [
        "database mdb",
        f'suffix "{options.suffix}"',
        f'rootdn "{admin.dn}"',
        f"rootpw {admin.password}",
        f"directory {directory}/db",
        "maxsize 8589934592",  # address space, not disk; slapd's own default of 10 MB fills at once
        *([] if options.durable else ["dbnosync"]),
        *(f"index {index}" for index in options.indexes),
        f"limits {reader} size=unlimited time=unlimited",  # else a syncrepl refresh ends after 500 entries
        "access to attrs=userPassword by self write by anonymous auth by * none",
        "access to * by users read by anonymous auth",
        *options.extra,
    ]


def access_log_database(options: SlapdOptions, directory: Path, admin: Account) -> list[str]:
    """The database cn=log, which syncprov can read deletions from (syncprov-sessionlog-source)."""
    return [
        "database mdb",
        "suffix cn=log",
        f'rootdn "{admin.dn}"',
        f"directory {directory}/log",
        "maxsize 1073741824",
        "dbnosync",
        "index reqStart,objectClass,entryCSN,reqDN eq",
        f'access to * by dn.exact="cn=reader,{options.suffix}" read by * none',
        "overlay syncprov",
        "syncprov-nopresent TRUE",
        "syncprov-reloadhint TRUE",
    ]


def overlays(options: SlapdOptions) -> list[str]:
    lines: list[str] = []
    if options.memberof:
        lines += ["overlay memberof", "memberof-group-oc groupOfNames"]
    if options.refint:
        lines += ["overlay refint", "refint_attributes member manager owner", f'refint_nothing "cn=admin,{options.suffix}"']
    if options.ppolicy:
        lines += ["overlay ppolicy", f'ppolicy_default "cn=default,ou=policies,{options.suffix}"', "ppolicy_use_lockout"]
    if options.session_log == "accesslog":
        lines += ["overlay accesslog", "logdb cn=log", "logops writes", "logsuccess TRUE", "logold (objectClass=*)"]
    if options.syncprov:
        lines += ["overlay syncprov", "syncprov-checkpoint 100 5", *session_log(options)]
    return lines


def session_log(options: SlapdOptions) -> list[str]:
    return {
        "none": [],
        "memory": ["syncprov-sessionlog 10000"],
        "accesslog": ["syncprov-sessionlog-source cn=log"],
    }[options.session_log]
