"""SASL (RFC 4513 §5.2): PLAIN (RFC 4616) for clients with a name and a password, EXTERNAL (RFC 4422 appendix A) for
applications with a client certificate. PLAIN does what a simple bind does, and is allowed where that is."""

from contextlib import suppress
from functools import partial

from cryptography import x509

from gateway.directory.authentication.authentication import Bound
from gateway.directory.authentication.bind_audit import Mechanism
from gateway.directory.authentication.client_certificates import CertificateNames
from gateway.directory.directory import Party
from gateway.frontends.ldap.core.exchange import Client, Exchange
from gateway.frontends.ldap.core.results import Refused
from gateway.frontends.ldap.core.sasl_mechanisms import EXTERNAL, PLAIN
from gateway.model.certificate_names import DNS, EMAIL, URI, NameKey, typed
from gateway.model.ldap import dn
from gateway.model.ldap.dn import InvalidDN
from gateway.wire.messages import SaslAuthentication
from gateway.wire.result_codes import ResultCode


def needs_credentials(client: Client, asked: SaslAuthentication) -> bool:
    """Return whether the client is to be asked for what it did not send with PLAIN. Raises Refused (authMethodNotSupported) for
    mechanisms that are not spoken, and for EXTERNAL without a certificate (inappropriateAuthentication)."""
    mechanism = asked.mechanism.upper()
    if mechanism == EXTERNAL and client.certificate() is None:
        raise Refused(
            ResultCode.INAPPROPRIATE_AUTHENTICATION,
            "EXTERNAL needs a TLS client certificate of an authority that the gateway trusts ([ldap] client_ca)",
        )
    if mechanism not in (PLAIN, EXTERNAL):
        raise Refused(
            ResultCode.AUTH_METHOD_NOT_SUPPORTED,
            "the SASL mechanisms here are PLAIN, and EXTERNAL with a client certificate; or send a simple bind over TLS",
        )
    return mechanism == PLAIN and asked.credentials is None


async def bind(exchange: Exchange, asked: SaslAuthentication) -> Bound:
    """Return the party that has proved itself. Raises as Authentication.bind, and Refused (protocolError) for credentials that
    are none."""
    authentication, credentials, client = exchange.services.authentication, asked.credentials or b"", exchange.client
    if asked.mechanism.upper() == EXTERNAL:
        certificate = client.certificate()
        assert certificate is not None, "needs_credentials has looked"  # noqa: S101
        mechanism = Mechanism(EXTERNAL, _text(credentials), partial(_is_own, _text(credentials), ""))
        return Bound(await authentication.bind_certificate(names_of(certificate), client.peer, mechanism))
    # message = [authzid] UTF8NUL authcid UTF8NUL passwd
    parts = credentials.split(b"\0")
    if len(parts) != 3 or not parts[1]:
        raise Refused(ResultCode.PROTOCOL_ERROR, "PLAIN is [authzid] NUL name NUL password (RFC 4616)")
    authz_id, name, password = parts
    login, asked_for = _text(name), _text(authz_id)
    return await authentication.bind(
        login, password, client.peer, Mechanism(PLAIN, asked_for, partial(_is_own, asked_for, login))
    )


def names_of(certificate: x509.Certificate) -> CertificateNames:
    """Return the names that a certificate bears."""
    alternative: list[NameKey] = []
    with suppress(x509.ExtensionNotFound, ValueError):  # it has none, or its extensions cannot be read
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        alternative += [typed(DNS, text) for text in found.get_values_for_type(x509.DNSName)]
        alternative += [typed(EMAIL, text) for text in found.get_values_for_type(x509.RFC822Name)]
        alternative += [typed(URI, text) for text in found.get_values_for_type(x509.UniformResourceIdentifier)]
    subject, issuer = certificate.subject.rfc4514_string(), certificate.issuer.rfc4514_string()
    return CertificateNames(subject, tuple(alternative), issuer, f"{certificate.serial_number:x}")


def _is_own(authz_id: str, login: str, party: Party) -> bool:
    """Return whether an authorization identity is the one that was proved; acting as others is RFC 4370's."""
    form, _, name = authz_id.partition(":")
    if not authz_id or (form.lower() == "u" and name and name == login):
        return True
    try:
        return form.lower() == "dn" and dn.key(name) == dn.key(party.dn)
    except InvalidDN:
        return False


def _text(octets: bytes) -> str:
    try:
        return octets.decode()
    except UnicodeDecodeError:
        raise Refused(ResultCode.PROTOCOL_ERROR, "the SASL credentials are not UTF-8") from None
