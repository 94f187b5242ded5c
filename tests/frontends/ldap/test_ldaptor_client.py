"""ldaptor's asynchronous client, in the same reactor as the server: bind, search, compare of what it reads, refused writes."""

import warnings
from typing import Any

import pytest
import pytest_twisted
from ldaptor.protocols.ldap import ldapclient, ldaperrors
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.ssl import Certificate, optionsForClientTLS

from tests.frontends.ldap.company import ANN, BASE, BOB, CROWD, PEOPLE
from tests.frontends.ldap.serving import Serving, the_reactor
from tests.servers.pki import Pki

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # it imports passlib, which imports crypt
    from ldaptor.protocols.ldap import ldapsyntax


async def connected(serving: Serving) -> Any:
    endpoint = TCP4ClientEndpoint(the_reactor, "127.0.0.1", serving.port)
    return await connectProtocol(endpoint, ldapclient.LDAPClient())  # type: ignore[no-untyped-call]


async def searched(client: Any, base: str, text: str, **options: Any) -> list[str]:
    entries = await ldapsyntax.LDAPEntry(client, base).search(filterText=text, **options)
    return [entry.dn.getText() for entry in entries]


@pytest_twisted.ensureDeferred
async def test_ldaptor_binds_and_searches(serving: Serving) -> None:
    client = await connected(serving)
    try:
        await client.bind(serving.portal.dn, serving.portal.password)
        assert await searched(client, BASE, "(uid=ann)") == [ANN]
        assert set(await searched(client, BASE, "(&(title=engineer)(!(uid=nobody)))")) == {ANN, BOB}
        assert len(await searched(client, BASE, "(uid=crowd*)", attributes=["uid"])) == CROWD
        with pytest.raises(ldaperrors.LDAPNoSuchObject):
            await searched(client, f"ou=nowhere,{BASE}", "(uid=*)")
        assert len(await searched(client, BASE, "(uid=crowd*)", sizeLimit=3)) == 3
    finally:
        client.unbind()


@pytest_twisted.ensureDeferred
async def test_ldaptor_is_told_what_was_wrong_with_its_bind_and_its_write(serving: Serving) -> None:
    client = await connected(serving)
    try:
        with pytest.raises(ldaperrors.LDAPInvalidCredentials):
            await client.bind(ANN, "wrong")
        with pytest.raises(ldaperrors.LDAPUnwillingToPerform, match="berlin"):
            people = ldapsyntax.LDAPEntryWithClient(client, PEOPLE)
            await people.addChild("uid=new", {"objectClass": ["inetOrgPerson"], "uid": ["new"], "cn": ["n"], "sn": ["n"]})
        await client.bind(ANN, "ann-secret")
        assert await searched(client, PEOPLE, "(uid=*)") == [ANN]
    finally:
        client.transport.loseConnection()


@pytest_twisted.ensureDeferred
async def test_ldaptor_starts_tls(tls_serving: Serving, pki: Pki) -> None:
    client = await connected(tls_serving)
    try:
        authority = Certificate.loadPEM(pki.ca.read_bytes())
        await client.startTLS(optionsForClientTLS("127.0.0.1", authority))
        await client.bind(tls_serving.ann.dn, tls_serving.ann.password)
        assert await searched(client, BASE, "(uid=*)") == [ANN]
    finally:
        client.transport.loseConnection()
