"""Objects that the store's tests store."""

from datetime import UTC, datetime

from gateway.model.objects import ROOT_ORGANIZATION_ID, Group, Organization, Origin, User

NOW = datetime(2026, 11, 23, 12, 0, 0, 123000, UTC)
ANN = User("11111111-0000-4000-8000-000000000001", "ann", Origin("ldap", "hr", "ann"), NOW, NOW)
BOB = User("11111111-0000-4000-8000-000000000002", "bob", Origin("ldap", "hr", "bob"), NOW, NOW)


def user(number: int, *organization_ids: str, **attributes: tuple[str | bytes, ...]) -> User:
    origin = Origin("ldap", "hr", f"ext{number}")
    places = organization_ids or (ROOT_ORGANIZATION_ID,)
    return User(f"u{number:03}", f"User{number}", origin, NOW, NOW, True, attributes, places)


def organization(name: str, parent: str = ROOT_ORGANIZATION_ID, **attributes: tuple[str, ...]) -> Organization:
    return Organization(f"o-{name}", name, parent, Origin("ldap", "hr", f"ext-{name}"), NOW, NOW, attributes)


def group(number: int, name: str = "") -> Group:
    return Group(f"g{number:03}", name or f"Group {number}", Origin("ldap", "hr", f"ext{number}"), NOW, NOW)
