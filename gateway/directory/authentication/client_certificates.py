"""The names in a client certificate, by which an application is found. Values only: the certificate was verified against
`[ldap] client_ca` before."""

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.model.ldap import dn
from gateway.model.ldap.dn import InvalidDN


@dataclass(frozen=True, slots=True)
class CertificateNames:
    """The names of a certificate. `subject`: a DN (RFC 4514). `alternative`: the subjectAltNames that are text: DNS names, mail
    addresses, URIs."""

    subject: str
    alternative: tuple[str, ...] = ()

    def include(self, wanted: Iterable[str]) -> bool:
        """Return whether any of these is a name of the certificate: as a DN by its value, else in any case."""
        subject = _key(self.subject)
        others = {name.lower() for name in self.alternative}
        return any((subject is not None and _key(name) == subject) or name.lower() in others for name in wanted)


def _key(name: str) -> str | None:
    """Return the key of a DN; None for the empty one as well: a certificate without a subject matches no application."""
    try:
        return dn.key(name) or None
    except InvalidDN:
        return None
