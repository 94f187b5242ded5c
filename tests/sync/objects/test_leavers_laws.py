"""The laws of leaving and coming back, for whatever order things happen in: found by Hypothesis."""

from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.model.deltas import Delta
from gateway.model.objects import Kind, User
from gateway.store.objects import users
from gateway.sync.lifecycle.grace_period import GracePeriods
from gateway.sync.lifecycle.leaver_sweep import sweep
from tests.sync.synced_store import Store, fresh_store, gone, group, person, present

NAMES = ("anna", "bert", "carl")
DAYS = 30


@dataclass
class Firm:
    """A source whose groups name logins, of users that are present or not."""

    store: Store
    grace: GracePeriods = field(default_factory=lambda: GracePeriods({"hr": DAYS}))
    external_ids: dict[str, str] = field(default_factory=dict)
    """Users that are present."""
    left: dict[str, str] = field(default_factory=dict)
    """The last external ids of leavers."""
    user_ids: dict[str, str] = field(default_factory=dict)
    """Ids of users that are present or leavers."""
    ever: set[str] = field(default_factory=set)
    titles: dict[str, str] = field(default_factory=dict)
    claims: dict[str, frozenset[str]] = field(default_factory=dict)
    number: int = 0

    def report(self, name: str) -> Delta:
        return person(name, external_id=self.external_ids[name], title=self.titles[name])

    def comes(self, name: str, how: str) -> Delta:
        """A user is reported: for the first time, again under the old id, by a mere mention, or as a new entry."""
        self.number += 1
        before = self.left.pop(name, None)
        fresh = before is None or how == "anew"
        self.external_ids[name] = f"e{self.number}" if fresh or before is None else before
        if before is not None and how == "mentioned":
            return present(self.report(name))
        self.titles[name] = f"t{self.number}"
        return self.report(name)

    def goes(self, name: str) -> Delta:
        self.left[name] = self.external_ids.pop(name)
        return gone(Kind.USER, self.left[name])

    def circle(self, name: str, members: frozenset[str]) -> Delta:
        self.claims[name] = members
        return group(name, logins=sorted(members))

    def days_pass(self) -> None:
        """Let the grace period pass, and sweep: no leaver is left."""
        self.store.time += timedelta(days=DAYS, minutes=1)
        while self.store.database.write_blocking(partial(sweep, door=self.store.door("local"), grace=self.grace)):
            pass
        for name in self.left:
            del self.user_ids[name]
        self.left.clear()
        self.check()

    def hears(self, *batch: Delta) -> None:
        """The gateway does, once and again."""
        self.store.apply(*batch, caught_up=True)
        number = self.store.last()
        self.store.apply(*batch, caught_up=True)
        assert self.store.last() == number, "the same batch once more changed something"
        self.check()

    def check(self) -> None:
        """The directory is what the source says, its leavers are who left, and every user is who it was."""
        directory = self.store.directory()
        assert directory.users.keys() == self.external_ids.keys()
        assert self.store.leavers() == self.left.keys()
        there = self.external_ids.keys()
        assert directory.members == {name: members & there for name, members in self.claims.items()}
        for name in (*self.external_ids, *self.left):
            user = self.store.user(name)
            assert user.first("title") == self.titles[name]
            if name in self.user_ids:
                assert user.id == self.user_ids[name], "the same person is the same user"
            else:
                assert user.id not in self.ever, "an id is never given twice"
            self.user_ids[name] = user.id
            self.ever.add(user.id)
        assert self.store.replayed() == directory
        assert self._users_of_the_log() == self._users_of_the_store()

    def _users_of_the_store(self) -> dict[str, User]:
        return {user.id: user for user in self.store.database.read_blocking(lambda c: users.iterate(c, "", 1_000))}

    def _users_of_the_log(self) -> dict[str, User]:
        found: dict[str, User] = {}
        for change in self.store.log():
            if change.kind is Kind.USER:
                found.pop(change.object_id, None)
                if isinstance(change.object, User):
                    found[change.object_id] = change.object
        return found


_HOW = st.sampled_from(["same", "mentioned", "anew"])
_EVENTS = st.one_of(
    st.tuples(st.just("person"), st.sampled_from(NAMES), _HOW),
    st.tuples(st.just("group"), st.sampled_from(["g", "h"]), st.frozensets(st.sampled_from(NAMES))),
    st.tuples(st.just("days")),
    st.tuples(st.just("batch")),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(_EVENTS, max_size=25))
def test_law_11_a_leaver_that_comes_back_in_time_is_the_same_user_and_the_log_gives_the_present_state(
    events: list[tuple[str, ...]],
) -> None:
    with fresh_store() as store:
        store.rejoins_by_username = True
        firm = Firm(store)
        batch: dict[str, Delta] = {}
        for event in (*events, ("batch",)):
            if event[0] in ("batch", "days") or event[1] in batch:  # of each a batch says one thing
                firm.hears(*batch.values())
                batch = {}
            if event[0] == "days":
                firm.days_pass()
            elif event[0] == "person":
                _, name, how = event
                batch[name] = firm.goes(name) if name in firm.external_ids else firm.comes(name, how)
            elif event[0] == "group":
                batch[event[1]] = firm.circle(event[1], frozenset(event[2]))
