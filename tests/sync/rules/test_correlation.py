"""Claims for login names when many users change theirs at once."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.sync.rules.correlation import Claim, losers

NAMES = "abcd"


def test_names_may_be_exchanged() -> None:
    claims = [Claim("1", "b", "a"), Claim("2", "a", "b")]
    assert losers(claims, {"a": "1", "b": "2"}) == {}


def test_a_user_that_cannot_get_a_new_name_keeps_the_old_one_from_others() -> None:
    claims = [Claim("1", "b", "a"), Claim("2", "c", "b"), Claim("new", "a", None)]
    assert losers(claims, {"a": "1", "b": "2", "c": "somebody"}) == {"2": "somebody", "1": "2", "new": "1"}


@given(
    st.dictionaries(st.sampled_from(NAMES), st.sampled_from("wxyz"), max_size=4),
    st.lists(st.tuples(st.sampled_from(NAMES), st.booleans()), max_size=6),
)
def test_afterwards_every_name_has_at_most_one_owner(held: dict[str, str], wishes: list[tuple[str, bool]]) -> None:
    holders = {name: owner for owner, name in {owner: name for name, owner in held.items()}.items()}
    movers = list(holders.items())
    claims = [
        Claim(movers[place][1], wish, movers[place][0]) if moves and place < len(movers) else Claim(f"new{place}", wish, None)
        for place, (wish, moves) in enumerate(wishes)
    ]
    claims = [claim for claim in claims if claim.key != claim.held]
    lost = losers(claims, holders)
    owners = {owner: name for name, owner in holders.items()}
    for claim in claims:
        if claim.object_id not in lost:
            owners[claim.object_id] = claim.key
    assert len(set(owners.values())) == len(owners), "two have the same name"
    for claim in claims:
        if claim.object_id in lost:
            assert owners[lost[claim.object_id]] == claim.key, "the name is not with whom it is said to be"
