"""The two entries that no view has: the root DSE (RFC 4512 §5.1) and the subschema (§4.2). Every client may read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway import __version__
from gateway.directory.directory import Directory
from gateway.directory.projection.index_keys import attribute_key
from gateway.directory.projection.projection import timestamp
from gateway.directory.projection.view_definition import View
from gateway.directory.search.attribute_selection import select
from gateway.directory.search.filter_evaluator import Evaluator
from gateway.frontends.ldap.core import sasl_mechanisms
from gateway.frontends.ldap.core.exchange import Exchange
from gateway.frontends.ldap.core.supported_controls import NAMES
from gateway.model.ldap import extensible_match, schema
from gateway.model.ldap.dn import DN
from gateway.wire import oids
from gateway.wire.entries import encode_entry
from gateway.wire.messages import SearchRequest

SUBSCHEMA = DN.parse("cn=Subschema")
SUBSCHEMA_KEY = SUBSCHEMA.key
ROOT = DN(())

EXTENSIONS = (oids.START_TLS, oids.WHO_AM_I, oids.PASSWORD_MODIFY, oids.CANCEL)
FEATURES = (
    oids.ALL_OPERATIONAL_ATTRIBUTES,
    oids.OBJECT_CLASS_ATTRIBUTES,
    oids.TRUE_FALSE_FILTERS,
    oids.MODIFY_INCREMENT,
)

_Attributes = Sequence[tuple[str, Sequence[bytes]]]


@dataclass(frozen=True, slots=True)
class VirtualEntry:
    """An entry in memory: `user` attributes, and `operational` ones that are sent when asked for."""

    name: DN
    user: _Attributes
    operational: _Attributes

    @property
    def values(self) -> Mapping[str, Sequence[bytes]]:
        """By attribute key, for filters and Compare."""
        return {attribute_key(name): values for name, values in (*self.user, *self.operational)}

    def answer(self, request: SearchRequest) -> bytes | None:
        """Return the SearchResultEntry for a base search, or None when the filter does not match."""
        if not Evaluator().matches(request.filter, self.values, self.name):
            return None
        selected = select(request.attributes, request.types_only)
        all_operational = "+" in request.attributes
        chosen = [(n, v) for n, v in self.user if selected.all_user or attribute_key(n) in selected.keys]
        chosen += [(n, v) for n, v in self.operational if all_operational or attribute_key(n) in selected.keys]
        return encode_entry(
            str(self.name).encode(), [(name.encode(), () if request.types_only else values) for name, values in chosen]
        )


def virtual_entry(exchange: Exchange, name: DN) -> VirtualEntry:
    """Return the root DSE or the subschema, as the exchange's party is to see it."""
    services = exchange.services
    if name.rdns:
        return subschema(services.started)
    granted = services.directory.granted(exchange.party)
    mechanisms = sasl_mechanisms.available(exchange)
    return entry(services.directory, start_tls=exchange.can_start_tls, mechanisms=mechanisms, granted=granted)


def entry(
    directory: Directory, *, start_tls: bool, mechanisms: Sequence[str] = (), granted: Sequence[View] = ()
) -> VirtualEntry:
    """Return the root DSE. `start_tls`: whether the client may begin TLS on this connection; `mechanisms`: the SASL mechanisms
    that it may use; `granted`: the views that the party may search."""
    extensions = [oid for oid in EXTENSIONS if start_tls or oid != oids.START_TLS]
    return VirtualEntry(
        ROOT,
        (("objectClass", [b"top", b"extensibleObject"]), *_domain(granted or directory.views[:1])),
        (
            ("namingContexts", [str(view.base).encode() for view in directory.views]),
            ("supportedLDAPVersion", [b"3"]),
            ("supportedControl", _octets(tuple(NAMES))),
            ("supportedExtension", _octets(extensions)),
            ("supportedFeatures", _octets(FEATURES)),
            *([("supportedSASLMechanisms", _octets(mechanisms))] if mechanisms else []),
            ("subschemaSubentry", [str(SUBSCHEMA).encode()]),
            ("structuralObjectClass", [b"extensibleObject"]),
            ("entryDN", [b""]),
            ("vendorName", [b"Directory Gateway"]),
            ("vendorVersion", [__version__.encode()]),
        ),
    )


def _domain(views: Sequence[View]) -> _Attributes:
    """Return the attributes by which programs know Active Directory, and where they look ([MS-ADTS] §3.1.1.3.2): the first view
    of its kind. It sends them without being asked."""
    base = next((str(view.base) for view in views if view.kind == "ad"), None)
    if base is None:
        return ()
    return (
        ("defaultNamingContext", [base.encode()]),
        ("rootDomainNamingContext", [base.encode()]),
        ("supportedCapabilities", [oids.ACTIVE_DIRECTORY.encode()]),
    )


def subschema(started: datetime) -> VirtualEntry:
    """Return the definitions of everything that a view may hold. `started`: when this process came up; it is fixed until
    then."""
    kinds = ("ldapSyntaxes", "matchingRules", "attributeTypes", "objectClasses")
    definitions = [(kind, _octets(schema.definitions(kind))) for kind in kinds]
    return VirtualEntry(
        SUBSCHEMA,
        (("objectClass", [b"top", b"subentry", b"subschema", b"extensibleObject"]), ("cn", [b"Subschema"])),
        (
            *definitions,
            ("matchingRuleUse", _octets(extensible_match.rule_uses())),
            ("structuralObjectClass", [b"subentry"]),
            ("createTimestamp", [timestamp(started)]),
            ("modifyTimestamp", [timestamp(started)]),
            ("entryDN", [str(SUBSCHEMA).encode()]),
            ("subschemaSubentry", [str(SUBSCHEMA).encode()]),
            ("hasSubordinates", [b"FALSE"]),
        ),
    )


def _octets(texts: Sequence[str]) -> list[bytes]:
    return [text.encode() for text in texts]
