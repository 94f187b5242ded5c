"""The controls of a search, read into one value; and the order of its entries, which is decided before anything is searched."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from gateway.directory.search import sort_keys
from gateway.frontends.ldap.core.exchange import Exchange
from gateway.frontends.ldap.core.results import Refused
from gateway.frontends.ldap.core.supported_controls import NAMES
from gateway.wire import controls as values
from gateway.wire import oids
from gateway.wire.controls.active_directory import ExtendedDN
from gateway.wire.controls.search import MatchedValues, PagedResults, SortRequest, SortResponse
from gateway.wire.controls.virtual_list_view import ListRequest
from gateway.wire.errors import WireError
from gateway.wire.filters import Filter
from gateway.wire.messages import Control
from gateway.wire.result_codes import ResultCode


@dataclass(frozen=True, slots=True)
class SearchControls:
    """The controls of one search; `sort_is_critical`: unsorted entries are of no use to the client; `show_deleted`: tombstones
    are asked for, too; `extended_names`: the form of DNs with their entries' identifiers."""

    paged: PagedResults | None = None
    sort: SortRequest | None = None
    sort_is_critical: bool = False
    window: ListRequest | None = None
    matched_values: tuple[Filter, ...] = ()
    show_deleted: bool = False
    extended_names: ExtendedDN | None = None


NONE: Final = SearchControls()


def read(controls: Mapping[str, Control]) -> SearchControls:
    """Return the controls as one value. Raises Refused (protocolError) for one that cannot be read."""
    matched = decoded(controls, MatchedValues)
    return SearchControls(
        decoded(controls, PagedResults),
        decoded(controls, SortRequest),
        oids.SORT_REQUEST in controls and controls[oids.SORT_REQUEST].criticality,
        decoded(controls, ListRequest),
        () if matched is None else matched.filters,
        not controls.keys().isdisjoint((oids.SHOW_DELETED, oids.SHOW_RECYCLED)),
        decoded(controls, ExtendedDN),
    )


_Value = TypeVar("_Value", bound=values.ControlValue)


def decoded(controls: Mapping[str, Control], kind: type[_Value]) -> _Value | None:
    """Return the value of the control of this kind, None when there is none. Raises Refused (protocolError)."""
    control = controls.get(kind.oid)
    if control is None:
        return None
    try:
        return kind.decode(control.value)
    except WireError as error:
        raise Refused(ResultCode.PROTOCOL_ERROR, f"the {NAMES[kind.oid]} control cannot be read: {error.reason}") from error


_PROBLEMS: Final[Mapping[sort_keys.Problem, ResultCode]] = {
    sort_keys.Problem.NO_SUCH_ATTRIBUTE: ResultCode.NO_SUCH_ATTRIBUTE,
    sort_keys.Problem.NO_ORDER: ResultCode.INAPPROPRIATE_MATCHING,
}


@dataclass(frozen=True, slots=True)
class Sorting:
    """The outcome of a sort control: the order (empty: none), and the response control (RFC 2891 §1.2)."""

    order: sort_keys.Order = ()
    code: ResultCode = ResultCode.SUCCESS
    responses: tuple[Control, ...] = ()


_NO_SORTING: Final = Sorting()


def sorting_of(exchange: Exchange, asked: SearchControls) -> Sorting:
    """Return the order that is asked for, by attributes that the party may read."""
    if asked.sort is None:
        return _NO_SORTING
    try:
        order, code, attribute = sort_keys.order(asked.sort.keys, exchange.party.access.attributes), ResultCode.SUCCESS, None
    except sort_keys.CannotSort as error:
        order, code, attribute = (), _PROBLEMS[error.problem], error.attribute
    return Sorting(order, code, (values.control(SortResponse(code, attribute)),))
