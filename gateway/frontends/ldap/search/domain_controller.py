"""The gateway as the domain controller of its views of kind `ad` ([MS-ADTS] §3.1.1.3.2, §6.1.1.2): what programs for Active
Directory read of it before they search the domain: attributes of the root DSE, and the entries that these name.

The configuration is entries in memory, below CN=Configuration: not part of any search of the domain, as at Active Directory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import NAMESPACE_OID, UUID, uuid5

from gateway.directory.projection import active_directory
from gateway.directory.projection.view_definition import View
from gateway.directory.projection.view_kinds import NETBIOS_CHARACTERS
from gateway.directory.search.query import NoSuchObject, Query
from gateway.frontends.ldap.core.exchange import Exchange
from gateway.frontends.ldap.core.services import Services
from gateway.frontends.ldap.search.virtual_entry import Attributes, VirtualEntry
from gateway.model.ldap.dn import DN
from gateway.wire import oids
from gateway.wire.filters import Present
from gateway.wire.messages import SearchRequest

SITE: Final = "Default-First-Site-Name"

CAPABILITIES: Final = (
    oids.ACTIVE_DIRECTORY,
    oids.ACTIVE_DIRECTORY_V51,
    oids.ACTIVE_DIRECTORY_V60,
    oids.ACTIVE_DIRECTORY_V61_R2,
)
"""Not the one for signing ([MS-ADTS] §3.1.1.3.4.3.2): there is no SASL mechanism here that signs; there is TLS."""

FUNCTIONAL_LEVEL: Final = b"4"
"""DS_BEHAVIOR_WIN2008R2 ([MS-ADTS] §6.1.4.2): programs decide by it which controls and attributes there are."""


@dataclass(frozen=True, slots=True)
class Controller:
    """The names of the domain controller of one view. `host_name`: of the machine, perhaps without a domain."""

    view: View
    host_name: str

    @property
    def server(self) -> str:
        """The name of the machine in the directory: its NetBIOS name."""
        return self.host_name.partition(".")[0].upper()[:NETBIOS_CHARACTERS] or "GATEWAY"

    @property
    def dns_name(self) -> str:
        """The name by which clients reach the machine."""
        return self.host_name if "." in self.host_name else f"{self.host_name}.{self.view.domain}"

    @property
    def configuration(self) -> DN:
        """The DN of the configuration naming context."""
        return self.view.base.child("CN", "Configuration")

    @property
    def schema(self) -> DN:
        """The DN of the schema naming context."""
        return self.configuration.child("CN", "Schema")

    @property
    def site(self) -> DN:
        """The DN of the one site."""
        return self.configuration.child("CN", "Sites").child("CN", SITE)

    @property
    def computer(self) -> DN:
        """The DN of the machine in its site."""
        return self.site.child("CN", "Servers").child("CN", self.server)

    @property
    def service(self) -> DN:
        """The DN of the directory service on it, as dsServiceName says."""
        return self.computer.child("CN", "NTDS Settings")


def root_dse_attributes(services: Services, granted: Sequence[View]) -> Attributes:
    """Return what the root DSE says of the first view of kind `ad` that the party may search, or, to a stranger, that there is;
    nothing where there is none. The number of the last change is for those who may see what changed."""
    directory = services.directory
    view = next((one for one in granted or directory.views if one.kind == "ad"), None)
    if view is None:
        return ()
    names = Controller(view, services.host_name)
    reader = directory.followers[view.name].reader if granted else None
    base = str(view.base).encode()
    return (
        ("defaultNamingContext", [base]),
        ("rootDomainNamingContext", [base]),
        ("configurationNamingContext", [str(names.configuration).encode()]),
        ("schemaNamingContext", [str(names.schema).encode()]),
        ("supportedCapabilities", [oid.encode() for oid in CAPABILITIES]),
        ("dnsHostName", [names.dns_name.encode()]),
        ("serverName", [str(names.computer).encode()]),
        ("dsServiceName", [str(names.service).encode()]),
        ("ldapServiceName", [f"{view.domain}:{names.server.lower()}$@{view.domain.upper()}".encode()]),
        ("currentTime", [active_directory.time(services.now()).encode()]),
        *([("highestCommittedUSN", [b"%d" % reader.position])] if reader is not None else []),
        ("domainFunctionality", [FUNCTIONAL_LEVEL]),
        ("forestFunctionality", [FUNCTIONAL_LEVEL]),
        ("domainControllerFunctionality", [FUNCTIONAL_LEVEL]),
        ("isSynchronized", [b"TRUE"]),
        ("isGlobalCatalogReady", [b"FALSE"]),
    )


def configuration_of(exchange: Exchange, base_key: str) -> Controller | None:
    """Return the domain controller in whose configuration a DN lies, of a view that the party may search; None for none."""
    view = exchange.services.directory.view_of(exchange.party, base_key)
    if view is None or view.kind != "ad":
        return None
    names = Controller(view, exchange.services.host_name)
    return names if base_key.startswith(names.configuration.key) else None


def search(exchange: Exchange, names: Controller, base: DN, base_key: str, request: SearchRequest) -> list[bytes]:
    """Return the entries of the configuration that a search finds. Raises NoSuchObject, ViewNotReady."""
    history = exchange.services.directory.reader(names.view.name).history_id
    found = {entry.name.key: entry for entry in _entries(names, history)}
    if base_key not in found:
        raise NoSuchObject(str(names.configuration))
    query = Query(base, base_key, request.scope, Present("objectClass"))
    answers = (entry.answer(request) for key, entry in found.items() if query.covers(key))
    return [answer for answer in answers if answer is not None]


def _entries(names: Controller, history: UUID) -> Iterator[VirtualEntry]:
    """Yield the entries, parents first. `history`: whose numbers of changes are told: another one tells clients to begin anew
    ([MS-ADTS] §3.1.1.1.9, invocationId)."""
    view, configuration = names.view, names.configuration
    partitions, sites = configuration.child("CN", "Partitions"), configuration.child("CN", "Sites")
    yield _entry(view, configuration, "configuration", "Configuration")
    yield _entry(view, names.schema, "dMD", "DMD")
    yield _entry(view, partitions, "crossRefContainer", "Cross-Ref-Container")
    yield _entry(
        view,
        partitions.child("CN", view.netbios),
        "crossRef",
        "Cross-Ref",
        ("nCName", str(view.base)),
        ("nETBIOSName", view.netbios),
        ("dnsRoot", view.domain),
        ("systemFlags", "3"),
    )
    yield _entry(view, sites, "sitesContainer", "Sites-Container")
    yield _entry(view, names.site, "site", "Site")
    yield _entry(view, names.site.child("CN", "Servers"), "serversContainer", "Servers-Container")
    yield _entry(view, names.computer, "server", "Server", ("dNSHostName", names.dns_name))
    service = _entry(view, names.service, "nTDSDSA", "NTDS-DSA")
    yield VirtualEntry(service.name, (*service.user, ("invocationId", [history.bytes_le])))


def _entry(view: View, name: DN, object_class: str, category: str, *values: tuple[str, str]) -> VirtualEntry:
    own = name.rdns[0].avas[0].value
    between = ["applicationSettings"] if object_class == "nTDSDSA" else []
    return VirtualEntry(
        name,
        (
            ("objectClass", [one.encode() for one in ("top", *between, object_class)]),
            ("cn", [own.encode()]),
            ("name", [own.encode()]),
            ("distinguishedName", [str(name).encode()]),
            ("objectCategory", [active_directory.category(category, view.base).encode()]),
            ("objectGUID", [uuid5(NAMESPACE_OID, name.key).bytes_le]),
            *((kind, [value.encode()]) for kind, value in values),
        ),
    )
