"""Ambiguous name resolution ([MS-ADTS] §3.1.1.3.1.3.4)."""

import pytest

from gateway.directory.domain.ambiguous_names import MAX_ASSERTIONS, TooManyNames, resolved
from gateway.directory.search.filter_evaluator import Evaluator
from gateway.model.ldap.dn import DN
from gateway.wire import filters

ANNA = {
    "displayname": [b"Smith, Anna"],
    "givenname": [b"Anna"],
    "sn": [b"Smith"],
    "name": [b"Anna Smith"],
    "samaccountname": [b"asmith"],
    "mail": [b"anna@example.test"],
    "description": [b"zeta"],
}
NAME = DN.parse("CN=Anna Smith")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(anr=anna)", True),
        ("(anr=ANN)", True),
        ("(anr=asm)", True),
        ("(anr=smith, a)", True),
        ("(anr=anna@example)", True),
        ("(anr=Anna Smi)", True),
        ("(anr=ann smi)", True),
        ("(anr=smi ann)", True),
        ("(anr=ann jones)", False),
        ("(anr=mith)", False),
        ("(anr=zeta)", False),
        ("(anr==anna)", True),
        ("(anr==ann)", False),
        ("(anr==Anna Smith)", True),
        ("(anr~=anna)", True),
        ("(anr=ann*)", True),
        ("(anr=*nna)", False),
        ("(anr=a*a)", False),
        ("(ANR=anna)", True),
        ("(1.2.840.113556.1.4.1208=anna)", True),
        ("(&(sn=Smith)(anr=anna))", True),
        ("(&(sn=Jones)(anr=anna))", False),
        ("(!(anr=anna))", False),
        ("(|(sn=Jones)(!(anr=bert)))", True),
        ("(anr=\\20)", False),
        ("(anr==)", False),
    ],
)
def test_a_name_is_found_by_the_beginning_of_any_or_of_both(text: str, expected: bool) -> None:
    assert Evaluator().matches(resolved(filters.parse(text)), ANNA, NAME) is expected


def test_a_filter_without_it_is_left_as_it_is() -> None:
    item = filters.parse("(&(objectClass=user)(|(sn=a*)(!(cn=b))))")
    assert resolved(item) is item


def test_so_many_assertions_and_no_more() -> None:
    resolved(filters.Or((filters.Equality("anr", b"a"),) * MAX_ASSERTIONS))
    with pytest.raises(TooManyNames, match="20 assertions about anr"):
        resolved(filters.Not(filters.And((filters.Equality("anr", b"a"),) * (MAX_ASSERTIONS + 1))))
