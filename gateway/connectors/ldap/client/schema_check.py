"""The schema item of `gateway check`: the attributes that a mapping names must be known to the server. A misspelt one is no
error on the wire, it only never arrives.

ldap3 parses the schema (RFC 4512 §4.2): servers write it in many ways, and it knows them."""

import warnings
from collections.abc import Iterable
from difflib import get_close_matches

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # ldap3 and what it imports, on newer Pythons
    from ldap3.core.exceptions import LDAPExceptionError
    from ldap3.protocol.rfc4512 import SchemaInfo

from gateway.connectors.ldap.client import search
from gateway.connectors.ldap.client.session import Session
from gateway.connectors.ldap.client.settings import ENTRY_UUID
from gateway.model.connector import CheckItem, CheckStatus
from gateway.model.mapping.defaults import ACTIVE_DIRECTORY_ATTRIBUTES, DEFAULT_ATTRIBUTES

_NAME = "schema"


def check(session: Session, attributes: Iterable[str]) -> CheckItem:
    """Return the item: passed when the server knows each of `attributes`. The defaults are not checked: no server knows all of
    them."""
    tables = (DEFAULT_ATTRIBUTES, ACTIVE_DIRECTORY_ATTRIBUTES)
    defaults = {
        name.lower() for table in tables for names in table.values() for some in names.values() for name in _listed(some)
    }
    asked = {name.partition(";")[0] for name in attributes} - {"", ENTRY_UUID}
    configured = sorted(name for name in asked if name.lower() not in defaults)
    if not configured:
        return CheckItem(_NAME, CheckStatus.PASSED, "the mappings name no attributes of their own")
    known = _known(session)
    if not known:
        return CheckItem(_NAME, CheckStatus.SKIPPED, "the server does not show its schema to bind_dn")
    missing = [name for name in configured if name.lower() not in known]
    if not missing:
        return CheckItem(_NAME, CheckStatus.PASSED, f"the server knows {', '.join(configured)}")
    return CheckItem(_NAME, CheckStatus.FAILED, f"the server knows no attribute {', '.join(missing)}", _cure(missing, known))


def _listed(names: str | Iterable[str]) -> Iterable[str]:
    return (names,) if isinstance(names, str) else names


def _known(session: Session) -> dict[str, str]:
    """Return every name of every attribute type, lower case → as spelled; empty when the schema cannot be read."""
    values = search.read_attribute_types(session)
    try:
        types = SchemaInfo("", {"attributeTypes": values}, {}).attribute_types if values else None
    except LDAPExceptionError:
        return {}
    return {name.lower(): name for one in (types or {}).values() for name in one.name or ()}


def _cure(missing: list[str], known: dict[str, str]) -> str:
    close = [match for name in missing for match in get_close_matches(name.lower(), known, n=1)]
    meant = f"; did you mean {', '.join(known[name] for name in close)}?" if close else ""
    return f"correct the mapping{meant}"
