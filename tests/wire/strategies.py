"""Random values of everything that gateway.wire can write, for the laws that hold for all of them.

Text in requests is any Unicode text; text in responses may also be what a server that knows no UTF-8 sent.
"""

from hypothesis import settings
from hypothesis import strategies as st

from gateway.wire import messages as m
from gateway.wire.codec.responses import lenient_text
from gateway.wire.filters import (
    And,
    Approx,
    Equality,
    Extensible,
    Filter,
    GreaterOrEqual,
    LessOrEqual,
    Not,
    Or,
    Present,
    Substrings,
)

thorough = settings(deadline=None, max_examples=400)
brief = settings(deadline=None, max_examples=150)

numbers = st.one_of(st.integers(0, 300), st.integers(0, 2**31 - 1))
message_ids = numbers
octets = st.one_of(st.binary(max_size=20), st.binary(min_size=120, max_size=140), st.just(b"x" * 300))
short_octets = st.binary(max_size=20)
text = st.one_of(st.text(max_size=20), st.sampled_from(["dc=example,dc=com", "uid=ada,ou=people", "ü" * 64, "x" * 200]))
foreign_text = st.one_of(text, st.binary(max_size=20).map(lenient_text))
oids = st.lists(st.integers(0, 999_999), min_size=1, max_size=8).map(lambda arcs: ".".join(map(str, arcs)))

names = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,12}", fullmatch=True)
options = st.lists(st.from_regex(r"[a-z0-9-]{1,8}", fullmatch=True), max_size=2)
descriptions = st.builds(lambda name, rest: ";".join([name, *rest]), st.one_of(names, oids), options)
rules = st.one_of(names, oids).filter(lambda rule: rule.lower() != "dn")  # ":dn" means something else in RFC 4515

pieces = st.binary(min_size=1, max_size=20)


def _substrings(attribute: str, initial: bytes | None, middle: list[bytes], final: bytes | None) -> Substrings | Present:
    if initial is None and final is None and not middle:
        return Present(attribute)
    return Substrings(attribute, initial, tuple(middle), final)


items: st.SearchStrategy[Filter] = st.one_of(
    st.builds(Equality, descriptions, octets),
    st.builds(GreaterOrEqual, descriptions, short_octets),
    st.builds(LessOrEqual, descriptions, short_octets),
    st.builds(Approx, descriptions, short_octets),
    st.builds(Present, descriptions),
    st.builds(_substrings, descriptions, st.none() | pieces, st.lists(pieces, max_size=3), st.none() | pieces),
    st.builds(Extensible, rules, st.none() | descriptions, short_octets, st.booleans()),
    st.builds(Extensible, st.none(), descriptions, short_octets, st.booleans()),
)


def _sets(inner: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    several = st.lists(inner, max_size=4).map(tuple)
    return st.one_of(st.builds(And, several), st.builds(Or, several), st.builds(Not, inner))


filters: st.SearchStrategy[Filter] = st.recursive(items, _sets, max_leaves=12)

controls = st.lists(st.builds(m.Control, oids, st.booleans(), st.none() | octets), max_size=3).map(tuple)
values = st.lists(octets, max_size=4).map(tuple)
attributes = st.lists(st.builds(m.PartialAttribute, text, values), max_size=4).map(tuple)
foreign_attributes = st.lists(st.builds(m.PartialAttribute, foreign_text, values), max_size=4).map(tuple)
results = st.builds(m.Result, numbers, foreign_text, foreign_text, st.lists(foreign_text, max_size=3).map(tuple))
plain_results = results.map(lambda result: m.Result(result.code, result.matched_dn, result.diagnostic_message))

authentications = st.one_of(
    st.builds(m.SimpleAuthentication, octets), st.builds(m.SaslAuthentication, text, st.none() | octets)
)
binds = st.builds(m.BindRequest, st.integers(1, 127), text, authentications)
bind_responses = st.builds(m.BindResponse, results, st.none() | octets)
searches = st.builds(
    m.SearchRequest,
    text,
    st.integers(0, 2),
    st.integers(0, 3),
    numbers,
    numbers,
    st.booleans(),
    filters,
    st.lists(text, max_size=6).map(tuple),
)
entries = st.builds(m.SearchResultEntry, foreign_text, foreign_attributes)
references = st.builds(m.SearchResultReference, st.lists(foreign_text, min_size=1, max_size=3).map(tuple))
modifications = st.builds(m.Modification, st.integers(0, 3), st.builds(m.PartialAttribute, text, values))
modifies = st.builds(m.ModifyRequest, text, st.lists(modifications, max_size=4).map(tuple))
adds = st.builds(m.AddRequest, text, attributes)
deletes = st.builds(m.DelRequest, text)
modify_dns = st.builds(m.ModifyDNRequest, text, text, st.booleans(), st.none() | text)
compares = st.builds(m.CompareRequest, text, text, octets)
abandons = st.builds(m.AbandonRequest, message_ids)
extended_requests = st.builds(m.ExtendedRequest, oids, st.none() | octets)
extended_responses = st.builds(m.ExtendedResponse, results, st.none() | oids, st.none() | octets)
intermediates = st.builds(m.IntermediateResponse, st.none() | oids, st.none() | octets)

requests: st.SearchStrategy[m.Operation] = st.one_of(
    binds, st.builds(m.UnbindRequest), searches, modifies, adds, deletes, modify_dns, compares, abandons, extended_requests
)
responses: st.SearchStrategy[m.Operation] = st.one_of(
    bind_responses,
    entries,
    references,
    st.builds(m.SearchResultDone, results),
    st.builds(m.ModifyResponse, results),
    st.builds(m.AddResponse, results),
    st.builds(m.DelResponse, results),
    st.builds(m.ModifyDNResponse, results),
    st.builds(m.CompareResponse, results),
    extended_responses,
    intermediates,
)
messages = st.builds(m.LDAPMessage, message_ids, st.one_of(requests, responses), controls)
