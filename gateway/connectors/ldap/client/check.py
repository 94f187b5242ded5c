"""`gateway check` for an LDAP source: the items of connecting and of reading each kind, one for each step; a failure has a
cure."""

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Final, Protocol

from gateway.connectors.ldap.client import search
from gateway.connectors.ldap.client.connect import STEPS, Attempt
from gateway.connectors.ldap.client.entry_mapper import EntryMapper
from gateway.connectors.ldap.client.errors import UpstreamRefused, UpstreamUnavailable
from gateway.connectors.ldap.client.session import Interruption, Session
from gateway.connectors.ldap.client.settings import CLEAR_TEXT_CURE, Address, KindSettings, Upstream
from gateway.model.connector import CheckItem, CheckStatus, Lockout
from gateway.model.deltas import Delta
from gateway.model.errors import SourceRefused
from gateway.wire.result_codes import ResultCode

SAMPLES: Final = 5
CLASSES_OF: Final = 100  # entries, to say what is there where nothing was found
CLASSES_SHOWN: Final = 12

FAILURES = (UpstreamRefused, UpstreamUnavailable)


class Settings(Protocol):
    """The settings that every LDAP source has: name, server and kinds in reading order."""

    @property
    def id(self) -> str: ...

    @property
    def upstream(self) -> Upstream: ...

    @property
    def ordered_kinds(self) -> tuple[KindSettings, ...]: ...


def connection_items(
    settings: Settings,
    interruption: Interruption,
    later: tuple[str, ...],
    reading: Callable[[Session], Iterator[CheckItem]],
) -> Iterator[CheckItem]:
    """Yield the items of connecting, then those of `reading` on the first session that was opened.

    Without a session, the items named in `later` and those of the kinds are yielded as skipped. Raises nothing; closes the
    session.
    """
    session: Session | None = None
    for address in settings.upstream.addresses:
        attempt = Attempt(settings.id, settings.upstream, address, interruption)
        if (yield from _steps(attempt, address, len(settings.upstream.addresses) > 1)) and session is None:
            session = attempt.session
        else:
            attempt.close()
    if session is None:
        names = (*later, *_kind_item_names(settings))
        yield from (CheckItem(name, CheckStatus.SKIPPED, "there is no connection") for name in names)
        return
    try:
        yield from reading(session)
    except FAILURES as error:
        yield CheckItem("reading", CheckStatus.FAILED, error.what, error.cure)
    finally:
        session.close()


def _kind_item_names(settings: Settings) -> Iterator[str]:
    for kind in settings.ordered_kinds:
        yield from (f"base {base}" for base in kind.top_bases)
        yield f"{kind.kind}s"


def _steps(attempt: Attempt, address: Address, several: bool) -> Generator[CheckItem, None, bool]:
    """Yield the items of STEPS; the value of `yield from` is True when all passed."""
    where = f" ({address.url})" if several else ""
    failed = False
    for name, step in STEPS:
        if failed:
            yield CheckItem(name + where, CheckStatus.SKIPPED, "an earlier step failed")
            continue
        try:
            detail = step(attempt)
        except FAILURES as error:
            failed = True
            yield CheckItem(name + where, CheckStatus.FAILED, error.what, error.cure)
        else:
            yield CheckItem(name + where, CheckStatus.PASSED, detail) if detail else _without_tls(name + where, address)
    return not failed


def _without_tls(name: str, address: Address) -> CheckItem:
    if address.is_loopback:
        return CheckItem(name, CheckStatus.SKIPPED, "not configured; nothing leaves this machine")
    return CheckItem(name, CheckStatus.WARNED, "not configured: passwords travel in the clear", CLEAR_TEXT_CURE)


def lockouts_in_words(lockouts: Sequence[Lockout]) -> str:
    """Return the rules by which accounts are locked, as a sentence."""
    return "; ".join(map(_in_words, lockouts)) or "no accounts are locked"


def _in_words(lockout: Lockout) -> str:
    forgotten = "without a right one between" if lockout.seconds is None else f"within {lockout.seconds / 60:g} minutes"
    return f"{lockout.policy} locks an account after {lockout.failures} wrong passwords {forgotten}"


def kind_items(session: Session, mappers: Sequence[EntryMapper], page_size: int | None) -> Iterator[CheckItem]:
    """Yield the items of each kind: one for each base, one for the entries."""
    for mapper in mappers:
        missing = yield from _bases(session, mapper.settings.top_bases)
        yield (
            CheckItem(f"{mapper.kind}s", CheckStatus.SKIPPED, "a base is missing")
            if missing
            else _kind(session, mapper, page_size)
        )


def _bases(session: Session, bases: tuple[str, ...]) -> Generator[CheckItem, None, bool]:
    """Yield one item for each base; the value of `yield from` is True when one cannot be seen."""
    missing = False
    for base in bases:
        try:
            search.require_base(session, base)
            yield CheckItem(f"base {base}", CheckStatus.PASSED)
        except UpstreamRefused as error:
            missing = True
            yield CheckItem(f"base {base}", CheckStatus.FAILED, error.what, error.cure)
    return missing


def _kind(session: Session, mapper: EntryMapper, page_size: int | None) -> CheckItem:
    """Count the entries that would be read, and show the first of them as records."""
    name = f"{mapper.kind}s"
    try:
        bases = mapper.settings.top_bases
        count = sum(_count(session, mapper, base, page_size) for base in bases)
        samples: list[Delta] = []
        for base in bases:
            samples += _first(session, mapper, base, SAMPLES - len(samples)) if len(samples) < SAMPLES else []
    except FAILURES as error:
        return CheckItem(name, CheckStatus.FAILED, error.what, error.cure)
    except SourceRefused as error:
        return CheckItem(name, CheckStatus.FAILED, str(error), "see what bind_dn may read")
    if not count:
        return _none(session, mapper, name)
    problems = "".join(f"; {delta.problem}" for delta in samples if delta.problem)
    shown = tuple((delta.kind, delta.dn, delta.attributes) for delta in samples)
    return CheckItem(name, CheckStatus.PASSED, f"{count:,} would be read{problems}", samples=shown)


def _none(session: Session, mapper: EntryMapper, name: str) -> CheckItem:
    """Return the item of a kind of which nothing was found, with the object classes that are there: it is right for a directory
    that is still empty, and more often a base or a filter is wrong."""
    bases = mapper.settings.top_bases
    there = list(dict.fromkeys(one for base in bases for one in search.object_classes(session, base, CLASSES_OF)))
    cure = f"nothing below {' and '.join(bases)} matches {mapper.settings.filter}: correct base or filter of [source.{name}]"
    if there:
        cure += f"; the entries there have the object classes {', '.join(there[:CLASSES_SHOWN])}"
    return CheckItem(name, CheckStatus.WARNED, "none", cure)


def _count(session: Session, mapper: EntryMapper, base: str, page_size: int | None) -> int:
    entries = search.kind_entries(session, mapper, search.NO_ATTRIBUTES, base, page_size)
    return sum(mapper.settings.contains(session.entry(data)[0].decode(errors="replace")) for data in entries)


def _first(session: Session, mapper: EntryMapper, base: str, limit: int) -> list[Delta]:
    """Return up to `limit` entries as deltas: one more is requested, because an organization's base is found but not read."""
    request = search.subtree_search(mapper, base, mapper.identified_attributes, limit + 1)
    outcome = search.SearchOutcome()
    deltas = [mapper.to_delta(*session.entry(data)) for data in search.execute(session, request, outcome)]
    if outcome.code != ResultCode.SIZE_LIMIT_EXCEEDED:  # expected here: the request has a size limit
        search.require_success(session, mapper, outcome)
    return [delta for delta in deltas if delta is not None][:limit]
