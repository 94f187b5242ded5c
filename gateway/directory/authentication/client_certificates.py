"""The names in a client certificate, by which an application is found. Values only: the certificate was verified against
`[ldap] client_ca` before."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.model.certificate_names import SUBJECT, NameKey, key_of, subject_key


@dataclass(frozen=True, slots=True)
class CertificateNames:
    """The names of a certificate. `subject`, `issuer`: DNs (RFC 4514); `alternative`: the subjectAltNames that are text: DNS
    names, mail addresses, URIs; `serial`: the number that its authority gave it, in hexadecimal digits."""

    subject: str
    alternative: tuple[NameKey, ...] = ()
    issuer: str = ""
    serial: str = ""

    def match(self, wanted: Iterable[str]) -> str | None:
        """Return the first of these written names that the certificate has; None for none."""
        subject = subject_key(self.subject)
        own = {*self.alternative, *([NameKey(SUBJECT, subject)] if subject else ())}
        return next((name for name in wanted if key_of(name) in own), None)

    @property
    def audit(self) -> Mapping[str, object]:
        """The fields of an audit line by which an authority finds the certificate."""
        return {"certificate": self.subject, "issuer": self.issuer, "serial": self.serial}

    @property
    def written(self) -> str:
        """The alternative names, as an administrator writes them."""
        return ", ".join(f"{type_}:{value}" for type_, value in self.alternative)
