"""Bind names and the identities that they mean: a DN, user@domain, DOMAIN\\user, a bare login.

A view defines the forms it takes (`bind_names`); a name that is no DN is looked up in the views in their order, and the first
that knows it wins. An unknown name is an answer as well, after the same lookups.

user@domain means, in this order ([MS-ADTS] §5.1.1.1.1, but for the first): the person whose login name it is; the one whose
userPrincipalName it is in the view; the one who has the login name before the view's domain. A userPrincipalName that several
have means none of them: sources may have given it to each. A name that is one person's in one way and another's in another
means neither: who chooses a login name at one source must not be taken for somebody of another."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gateway.directory.directory import Directory
from gateway.directory.projection.view_definition import View
from gateway.directory.search.view_reader import ViewReader
from gateway.model.bounded_cache import cached
from gateway.model.ldap import dn, schema
from gateway.model.ldap.dn import AVA, DN, InvalidDN
from gateway.model.objects import Kind
from gateway.store.engine.database import Database
from gateway.store.engine.normalized_keys import name_key
from gateway.store.objects import users

_USER = Kind.USER.value


@dataclass(frozen=True, slots=True)
class BindIdentity:
    """The identity that a bind name means. `key`: the same for all names of one person, for the soft lock. `view` and `name` (a
    DN): the place where it was found, "" for none. A person has a `user_id`, an application an `application`, its name; an
    unknown name has neither. `candidates`: of an unknown name, the login names that it may mean, each with its view; only where
    just-in-time provisioning is on."""

    key: str
    view: str = ""
    name: str = ""
    user_id: str | None = None
    application: str | None = None
    candidates: tuple[tuple[str, str], ...] = ()

    @property
    def logins(self) -> tuple[str, ...]:
        """The login names among the candidates, each once."""
        return tuple(dict.fromkeys(login for _, login in self.candidates))


class BindNames:
    """The lookup of bind names in the views and the store. `jit`: unknown names are returned with their candidates."""

    def __init__(self, directory: Directory, database: Database, *, jit: bool = False) -> None:
        self._directory = directory
        self._database = database
        self._jit = jit
        self._of_applications = {view.name: view.applications.key for view in directory.views}

    async def find(self, name: str) -> BindIdentity:
        """Return the identity that a bind name means. Raises InvalidDN when it is no DN and no view takes anything else,
        ViewNotReady."""
        if len(name) > dn.MAX_CHARACTERS:
            raise InvalidDN(f"a name has {dn.MAX_CHARACTERS} characters at the most")
        try:
            key = dn.key(name)
        except InvalidDN:
            if not any(view.bind_names - {"dn"} for view in self._directory.views):
                raise
            return await self._by_login(name, list(self._candidates(name)))
        return self._by_key(key, lambda: _leaf(name), for_bind=True)

    async def find_login(self, login: str, views: tuple[View, ...]) -> BindIdentity:
        """Return the identity that a login name means in these views, whatever forms they take for binding."""
        return await self._by_login(login, [(view, login) for view in views])

    def by_dn(self, name: DN) -> BindIdentity:
        """Return the identity that a DN means."""
        return self._by_key(name.key, lambda: name.rdns[0].avas, for_bind=False)

    def _by_key(self, key: str, leaf: Callable[[], tuple[AVA, ...]], *, for_bind: bool) -> BindIdentity:
        """Return the identity of a DN by its key; `leaf` gives the first RDN with its spelling, which only names of
        applications and of unknown users need."""
        view = self._directory.view_at(key)
        if view is None:
            return BindIdentity(key)
        parent = dn.parent_key(key)
        if parent == self._of_applications[view.name] and key.startswith("cn=", len(parent)):
            avas = leaf()
            if len(avas) == 1:
                return BindIdentity(f"{_APPLICATION_KEY}{key}", view.name, application=avas[0].value)
        found = self._directory.reader(view.name).named(key)
        if found is None or found[0] != _USER or (for_bind and "dn" not in view.bind_names):
            if found is None and for_bind and self._jit:
                login = login_of(view, key, leaf)
                if login:
                    return BindIdentity(_key_of_login(login), view.name, candidates=((view.name, login),))
            return BindIdentity(key, view.name)
        _, user_id, spelled = found
        return BindIdentity(_key_of(user_id), view.name, spelled, user_id=user_id)

    def entry(self, view: str, user_id: str) -> BindIdentity | None:
        """Return a person as the view shows them, if it does. Raises ViewNotReady."""
        row = self._directory.reader(view).row_of(user_id)
        return None if row is None or row[1] != Kind.USER else BindIdentity(_key_of(user_id), view, row[6], user_id=user_id)

    async def _by_login(self, name: str, candidates: list[tuple[View, str]]) -> BindIdentity:
        readers = [self._directory.reader(view.name) for view, _ in candidates]
        keys = [name_key(login) for _, login in candidates]
        holders = await self._database.read(lambda connection: users.ids_by_username_key(connection, set(keys)))
        found: dict[str, BindIdentity] = {}
        for (view, login), reader, key in zip(candidates, readers, keys, strict=True):
            user_id = holders.get(key)
            row = None if user_id is None else reader.row_of(user_id)
            people = [] if row is None or row[1] != _USER else [(row[2], row[6])]
            if login == name and _takes_principals(view, login):
                principals = _principals(reader, login)
                people += [(user_id, spelled) for _, user_id, spelled in principals] if len(principals) == 1 else []
            for user_id, spelled in people:
                found.setdefault(user_id, BindIdentity(_key_of(user_id), view.name, spelled, user_id=user_id))
        if len(found) == 1:
            return next(iter(found.values()))
        if found:
            return BindIdentity(_key_of_login(name))
        if self._jit and candidates:
            named = tuple((view.name, login) for view, login in candidates)
            return BindIdentity(_key_of_login(_shortest(named, name)), candidates=named)
        return BindIdentity(_key_of_login(name))

    def _candidates(self, name: str) -> Iterator[tuple[View, str]]:
        """Yield the views in which a name is looked up, each with a login name."""
        for view in self._directory.views:
            yield from ((view, login) for login in logins_in(view, name))


def logins_in(view: View, name: str) -> Iterator[str]:
    """Yield the login names that a name may stand for in a view: user@domain may be one as it stands."""
    if _takes_principals(view, name):
        yield name
        login, _, domain = name.rpartition("@")
        if login and domain.lower() == view.domain.lower():
            yield login
    if "domain" in view.bind_names:
        netbios, backslash, login = name.partition("\\")
        if backslash and login and netbios.lower() == view.netbios.lower():
            yield login
    if "login" in view.bind_names and name and not _takes_principals(view, name):
        yield name


def _takes_principals(view: View, name: str) -> bool:
    return "principal" in view.bind_names and "@" in name


def _principals(reader: ViewReader, name: str) -> list[tuple[str, str, str]]:
    """Return the people (two at the most) whose userPrincipalName this is in the view."""
    return [one for one in reader.holders("userprincipalname", name.encode("utf-8", "replace")) if one[0] == _USER]


def _shortest(candidates: tuple[tuple[str, str], ...], name: str) -> str:
    """Return the login name for the soft lock of an unknown name: the same for all of its forms."""
    return next((login for _, login in candidates if login != name), name)


def login_of(view: View, key: str, leaf: Callable[[], tuple[AVA, ...]]) -> str:
    """Return the login name in the DN of a person whom the view does not have; "" when the DN could not be a person's, or
    people are named by something else."""
    rules = view.rules[Kind.USER]
    if "dn" not in view.bind_names or not key.startswith(view.container(Kind.USER).key):
        return ""
    rule = next((rule for name, rule in rules.attributes.items() if name.lower() == rules.naming.lower()), None)
    avas = leaf()
    if rule is None or rule.names[:1] != ("username",) or len(avas) != 1:
        return ""
    return avas[0].value if schema.canonical(avas[0].type) == schema.canonical(rules.naming) else ""


@cached(1_024)
def _leaf(name: str) -> tuple[AVA, ...]:
    """Return the first RDN of a DN, with its spelling. Cached: applications bind again and again."""
    return DN.parse(name).rdns[0].avas


_USER_KEY = "user:"
_APPLICATION_KEY = "application:"


def is_user_key(key: str) -> bool:
    """Return whether a key of the soft lock is that of a user whom the directory has."""
    return key.startswith(_USER_KEY)


def is_application_key(key: str) -> bool:
    """Return whether a key of the soft lock is that of an application's name, be there such an application or not."""
    return key.startswith(_APPLICATION_KEY)


def lock_keys(user_id: str) -> tuple[str, str]:
    """Return the keys under which the soft lock counts failures of a user: of the password, of application passwords."""
    return _key_of(user_id), with_application_password(_key_of(user_id))


def with_application_password(key: str) -> str:
    """Return the key under which failures with application passwords count: a program that goes on with a revoked one must
    not lock its user out of everything else."""
    return f"{key} application password"


def _key_of(user_id: str) -> str:
    return f"{_USER_KEY}{user_id}"


def _key_of_login(login: str) -> str:
    return f"login:{name_key(login)}"
