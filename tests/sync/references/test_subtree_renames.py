"""The DN of an entry below one that was renamed."""

import pytest

from gateway.model.ldap import dn
from gateway.sync.references.subtree_renames import renamed


@pytest.mark.parametrize(
    ("below", "expected"),
    [
        ("uid=Anna,OU=Old,dc=x", "uid=Anna,ou=New,o=y"),
        ("cn=Doe\\, Jane , ou = Old , dc=x", "cn=Doe\\, Jane ,ou=New,o=y"),
        ('cn="Doe, Jane";ou=Old;dc=x', 'cn="Doe, Jane",ou=New,o=y'),
        ("cn=a+uid=b,ou=in\\2c between,ou=old,dc=x", "cn=a+uid=b,ou=in\\2c between,ou=New,o=y"),
    ],
)
def test_the_suffix_is_exchanged_and_the_rest_keeps_its_spelling(below: str, expected: str) -> None:
    old, new = "ou=old,dc=x", "ou=New,o=y"
    spelled, key = renamed(below, dn.key(below), dn.key(old), new, dn.key(new))
    assert spelled == expected
    assert key == dn.key(expected)
