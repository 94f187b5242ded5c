"""The two entries that no view has: the root DSE (RFC 4512 §5.1) and the subschema (§4.2). Every client may read them."""

from collections.abc import Sequence
from datetime import datetime

from gateway import __version__
from gateway.directory.directory import Directory
from gateway.directory.projection.projection import timestamp
from gateway.frontends.ldap.core import sasl_mechanisms
from gateway.frontends.ldap.core.exchange import Exchange
from gateway.frontends.ldap.core.supported_controls import NAMES
from gateway.frontends.ldap.search import domain_controller
from gateway.frontends.ldap.search.virtual_entry import Attributes, VirtualEntry
from gateway.model.ldap import extensible_match, schema
from gateway.model.ldap.dn import DN
from gateway.wire import oids

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


def virtual_entry(exchange: Exchange, name: DN) -> VirtualEntry:
    """Return the root DSE or the subschema, as the exchange's party is to see it."""
    services = exchange.services
    if name.rdns:
        return subschema(services.started)
    granted = services.directory.granted(exchange.party)
    mechanisms = sasl_mechanisms.available(exchange)
    domain = domain_controller.root_dse_attributes(services, granted)
    return entry(services.directory, start_tls=exchange.can_start_tls, mechanisms=mechanisms, domain=domain)


def entry(directory: Directory, *, start_tls: bool, mechanisms: Sequence[str] = (), domain: Attributes = ()) -> VirtualEntry:
    """Return the root DSE. `start_tls`: whether the client may begin TLS on this connection; `mechanisms`: the SASL mechanisms
    that it may use; `domain`: the attributes of a domain controller."""
    extensions = [oid for oid in EXTENSIONS if start_tls or oid != oids.START_TLS]
    return VirtualEntry(
        ROOT,
        (("objectClass", [b"top", b"extensibleObject"]), *domain),
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
