"""Requests that a client may make, well-formed and mostly sensible: any operation, with any controls that fit it."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from gateway.wire import controls as c
from gateway.wire import messages as m
from gateway.wire import oids
from gateway.wire.extended_values import CancelRequest, PasswordModifyRequest
from gateway.wire.filters import And, Filter, Not, Or, parse
from scripts.fuzzing import world
from scripts.fuzzing.world import BASES, CANARY, GROUPS, Access

DEEPEST = 28  # filters inside filters; the gateway takes 32
RULED = ("member", "memberOf", "cn", "userAccountControl")
ATTRIBUTES = (
    "cn",
    "sn",
    "uid",
    "mail",
    "member",
    "memberOf",
    "sAMAccountName",
    "objectClass",
    "entryUUID",
    "*",
    "+",
    "1.1",
    "x;lang-de",
)
CLASSES = ("person", "inetOrgPerson", "groupOfNames", "organizationalUnit", "user", "group", "posixAccount", "nothing")
RULES = ("1.2.840.113556.1.4.803", "1.2.840.113556.1.4.804", "1.2.840.113556.1.4.1941", "caseIgnoreMatch", "2.5.13.2", "1.2.3")

Made = tuple[m.Request, tuple[m.Control, ...]]


def any_user_dn(random: Random) -> str:
    """A person's DN; never the canary's."""
    return world.person(random.randrange(CANARY))


def a_group(random: Random) -> str:
    return f"cn=group{random.randrange(GROUPS + 1):05d},ou=groups,{BASES['openldap']}"


def a_base(random: Random) -> str:
    """Somewhere to search: a view, a container, an entry, the root DSE, nowhere, or no DN at all."""
    view = random.choice(tuple(BASES.values()))
    places = (view, view, f"ou=people,{view}", f"ou=groups,{view}", f"CN=Users,{view}", "", "cn=subschema", any_user_dn(random))
    return random.choice((*places, a_group(random), f"ou=nowhere,{view}", "no dn", "cn=a+sn=b,dc=test", "cn=\\", "a" * 300))


def a_filter(random: Random, depth: int = 0) -> Filter:
    """Simple ones mostly; now and then a tree of them."""
    if depth < 3 and random.random() < 0.25:
        inner = [a_filter(random, depth + 1) for _ in range(random.randrange(4))]
        return parse("(!(uid=a))") if not inner else _joined(random, inner)
    return parse(random.choice(_SIMPLE)(random))


def _joined(random: Random, inner: list[Filter]) -> Filter:
    kind = random.choice((And, Or, Not))
    return Not(inner[0]) if kind is Not else And(tuple(inner)) if kind is And else Or(tuple(inner))


_SIMPLE: tuple[Callable[[Random], str], ...] = (
    lambda r: f"(uid={world.login(r.randrange(CANARY))})",
    lambda r: f"(sAMAccountName={world.login(r.randrange(CANARY))})",
    lambda r: f"(objectClass={r.choice(CLASSES)})",
    lambda r: f"(objectCategory={r.choice(CLASSES)})",
    lambda r: f"(member={any_user_dn(r)})",
    lambda r: f"(memberOf={a_group(r)})",
    lambda r: f"({r.choice(RULED)}:{r.choice(RULES)}:={r.choice((any_user_dn(r), '2', 'x'))})",
    lambda r: f"(cn=*{r.randrange(1000)}*)",
    lambda r: f"(cn=U*{r.randrange(10)}*r*)",
    lambda r: f"(sn>=Sur{r.randrange(400):06d})",
    lambda r: f"(mail<={world.login(r.randrange(400))})",
    lambda r: f"(displayName~=Given{r.randrange(100)})",
    lambda r: f"({r.choice(('uid', 'jpegPhoto', 'nothing'))}=*)",
    lambda _: "(ou:dn:=dept1)",
    lambda r: f"(cn=\\{r.randrange(256):02x}\\{r.randrange(256):02x})",
    lambda r: "(!" * (depth := r.randrange(1, DEEPEST)) + "(uid=a)" + ")" * depth,
    lambda r: r.choice(("(&)", "(|)", "(uid=)", f"(cn={'x' * r.randrange(5000)})")),
)


def search(random: Random) -> Made:
    """A search; its answers end."""
    request = m.SearchRequest(
        a_base(random),
        random.choice((0, 1, 2, 2, 2)),
        random.randrange(4),
        random.choice((0, 0, 0, 1, 10, 2**31 - 1)),
        random.choice((0, 0, 1, 2**31 - 1)),
        random.random() < 0.1,
        a_filter(random),
        tuple(random.sample(ATTRIBUTES, random.choice((0, 1, 2, 5)))),
    )
    return request, _some(random, _SEARCH_CONTROLS)


def endless_search(random: Random) -> Made:
    """A search that goes on until it is abandoned: persistent, AD's notification, or refreshAndPersist."""
    base = random.choice(tuple(BASES.values()))
    persistent = c.PersistentSearch(c.ChangeTypes(random.randrange(1, 16)), random.random() < 0.5, random.random() < 0.5)
    following = (persistent, c.ChangeNotification(), c.SyncRequest(c.SyncMode.REFRESH_AND_PERSIST, _cookie(random), False))
    request = m.SearchRequest(base, 2, 0, 0, 0, False, parse("(objectClass=*)"), ())
    return request, (c.control(random.choice(following), random.random() < 0.8),)


def compare(random: Random) -> Made:
    value = random.choice((b"user000001", b"", random.randbytes(20), b"x" * 2000))
    return m.CompareRequest(random.choice((any_user_dn(random), a_base(random))), random.choice(ATTRIBUTES), value), _some(
        random, _COMPARE_CONTROLS
    )


def bind(random: Random, access: Access) -> Made:
    """Return a right or a wrong bind; after it the connection is another party's, or anonymous."""
    number = random.randrange(CANARY)
    right = m.BindRequest(3, access.dn, m.SimpleAuthentication(access.secret.encode()))
    return random.choice(
        (
            right,
            right,
            m.BindRequest(3, "", m.SimpleAuthentication(b"")),
            m.BindRequest(3, world.person(number), m.SimpleAuthentication(world.password(number).encode())),
            m.BindRequest(3, world.person(number), m.SimpleAuthentication(random.choice((b"", b"wrong", b"\xff\x00")))),
            m.BindRequest(
                3,
                random.choice((f"{world.login(number)}@example.com", "EXAMPLE\\nobody", "nobody", "=", "cn=")),
                m.SimpleAuthentication(b"x"),
            ),
            m.BindRequest(random.choice((2, 4, 127)), access.dn, m.SimpleAuthentication(b"x")),
            m.BindRequest(
                3, "", m.SaslAuthentication("PLAIN", random.choice((None, b"", b"\0a\0b", b"a\0b\0c\0d", random.randbytes(9))))
            ),
            m.BindRequest(
                3,
                "",
                m.SaslAuthentication(random.choice(("EXTERNAL", "DIGEST-MD5", "", "x" * 99)), random.choice((None, b"", b"x"))),
            ),
        )
    ), _some(random, _BIND_CONTROLS)


def write(random: Random) -> Made:
    """Return a change to what the upstream masters, to what does not exist, or to what the gateway may master itself."""
    dn = random.choice(
        (any_user_dn(random), a_group(random), f"uid=new{random.randrange(50)},ou=people,{BASES['openldap']}", a_base(random))
    )
    attribute = m.PartialAttribute(
        random.choice(ATTRIBUTES), tuple(random.choice((b"x", b"", b"\xff", dn.encode())) for _ in range(random.randrange(3)))
    )
    new = (
        m.PartialAttribute("objectClass", (b"inetOrgPerson",)),
        m.PartialAttribute("sn", (b"New",)),
        m.PartialAttribute("cn", (b"New One",)),
        m.PartialAttribute("uid", (dn.partition("=")[2].partition(",")[0].encode() or b"x",)),
    )
    made: tuple[m.Request, ...] = (
        m.ModifyRequest(dn, tuple(m.Modification(random.randrange(4), attribute) for _ in range(random.randrange(3)))),
        m.AddRequest(dn, (*new[: random.randrange(5)], *((attribute,) if random.random() < 0.5 else ()))),
        m.DelRequest(dn),
        m.ModifyDNRequest(
            dn, random.choice(("uid=other", "cn=x", "no rdn", "")), random.random() < 0.5, random.choice((None, a_base(random)))
        ),
    )
    return random.choice(made), _some(random, _WRITE_CONTROLS)


def extended(random: Random) -> Made:
    modify = PasswordModifyRequest(
        random.choice((None, any_user_dn(random).encode(), b"nobody")),
        random.choice((None, b"old")),
        random.choice((None, b"x", b"a new password")),
    )
    return random.choice(
        (
            m.ExtendedRequest(oids.WHO_AM_I),
            m.ExtendedRequest(oids.WHO_AM_I, b"with a value"),
            m.ExtendedRequest(oids.PASSWORD_MODIFY, modify.encode()),
            m.ExtendedRequest(oids.PASSWORD_MODIFY, random.randbytes(8)),
            m.ExtendedRequest("1.2.3.4", random.randbytes(3)),
            m.ExtendedRequest("", None),
        )
    ), _some(random, _BIND_CONTROLS)


def stop(random: Random, message_id: int) -> Made:
    """Abandon or Cancel an earlier request."""
    if random.random() < 0.5:
        return m.AbandonRequest(message_id), ()
    return m.ExtendedRequest(oids.CANCEL, CancelRequest(message_id).encode()), ()


def _cookie(random: Random) -> bytes | None:
    return random.choice((None, b"", b"rid=001", b"rid=001,csn=20200101000000.000000Z#000000#000#000000", random.randbytes(12)))


def _some(random: Random, kinds: tuple[Callable[[Random], c.ControlValue], ...]) -> tuple[m.Control, ...]:
    """Return mostly no control, often one, seldom several, and now and then an unknown one."""
    made = [
        c.control(random.choice(kinds)(random), random.random() < 0.5) for _ in range(random.choice((0, 0, 0, 0, 1, 1, 2, 3)))
    ]
    if random.random() < 0.03:
        made.append(m.Control("1.2.3.4.5", random.random() < 0.5, random.choice((None, b"", b"x"))))
    return tuple(made)


_Kinds = tuple[Callable[[Random], c.ControlValue], ...]
_ANYWHERE: _Kinds = (
    lambda _: c.ManageDsaIT(),
    lambda r: c.ProxiedAuthorization(
        r.choice(("", f"dn:{any_user_dn(r)}", f"u:{world.login(r.randrange(CANARY))}", "x", "dn:=", "u:"))
    ),
)
_COMPARE_CONTROLS: _Kinds = (*_ANYWHERE, lambda r: c.Assertion(a_filter(r)))
_SEARCH_CONTROLS: _Kinds = (
    *_COMPARE_CONTROLS,
    lambda r: c.PagedResults(r.choice((0, 1, 7, 500, 2**31 - 1)), r.choice((b"", b"", b"cookie", r.randbytes(8)))),
    lambda r: c.SortRequest(
        tuple(
            c.SortKey(r.choice(ATTRIBUTES), r.choice((None, "caseIgnoreOrderingMatch", "1.2")), r.random() < 0.5)
            for _ in range(r.randrange(1, 4))
        )
    ),
    lambda r: c.ListRequest(
        r.randrange(20),
        r.randrange(20),
        r.choice((c.ListPosition(r.randrange(500), r.randrange(500)), b"m")),
        r.choice((None, b"x")),
    ),
    lambda _: c.MatchedValues((parse("(cn=U*)"), parse("(objectClass=top)"))),
    lambda r: c.SyncRequest(c.SyncMode.REFRESH_ONLY, _cookie(r), r.random() < 0.5),
    lambda _: c.PasswordPolicyRequest(),
)
_BIND_CONTROLS: _Kinds = (*_ANYWHERE, lambda _: c.PasswordPolicyRequest())
_WRITE_CONTROLS: _Kinds = (*_COMPARE_CONTROLS, lambda _: c.PreReadRequest(("cn",)), lambda _: c.PostReadRequest(("*", "+")))
