"""The load generator counts what a real slapd answers, and takes nothing for a measurement that went wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.benchmark.load_generator.load import Endpoint, Load, LoadError, LoadGenerator
from scripts.benchmark.measure import resident_mebibytes
from scripts.benchmark.servers.contenders import as_contender, connect
from tests.servers import slapd as openldap
from tests.servers.people import group_dn, people
from tests.servers.pki import Pki
from tests.servers.slapd import Slapd

PEOPLE, GROUPS, MEMBERS = 300, 3, 50


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> LoadGenerator:
    return LoadGenerator(tmp_path_factory.mktemp("loadgen"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, pki: Pki) -> Iterator[Slapd]:
    started = openldap.start(tmp_path_factory.mktemp("slapd"), pki, ldif=people(PEOPLE, GROUPS, MEMBERS))
    yield started
    started.end()


@pytest.fixture
def endpoint(server: Slapd) -> Endpoint:
    return as_contender(server).endpoint


def test_modifies_are_counted_and_each_writes_a_new_value(server: Slapd, endpoint: Endpoint, generator: LoadGenerator) -> None:
    writer = replace(endpoint, bind_dn=server.admin.dn, password=server.admin.password)
    person = f"uid=user%06d,ou=dept0,ou=people,{endpoint.base}"
    load = Load(mode="modify", attributes="description", person_dn=person, range=1, requests=20, connections=2)
    written = "(description=1*)"  # a time in seconds, and a count
    assert count(endpoint, written) == 0
    assert generator.run(writer, load).requests == 20
    assert count(endpoint, written) == 1
    with pytest.raises(LoadError, match="result code 32"):
        generator.run(writer, replace(load, person_dn=f"uid=nobody%06d,ou=people,{endpoint.base}"))


def count(endpoint: Endpoint, text: str) -> int:
    """Return the number of entries that ldap3 finds."""
    connection = connect(endpoint)
    connection.search(endpoint.base, text, attributes=["1.1"], dereference_aliases="NEVER")
    found = len(connection.entries)
    connection.unbind()
    return found


@pytest.mark.parametrize(
    "text",
    [
        "(uid=user000007)",
        "(objectClass=*)",
        "(&(uid=user000007)(cn=User 000007))",
        "(|(uid=user000007)(uid=user000008)(cn=nobody))",
        "(&(objectClass=inetOrgPerson)(!(title=Engineer 3)))",
        "(uid=user00001*)",
        "(mail=*7@example.test)",
        "(cn=U*r*00*7)",
        "(cn=*r 00001*)",
        "(cn=\\55ser 000001)",
        "(cn~=User 000001)",
        "(&(member=*)(description=Group 1))",
        "(entryCSN>=20000101000000.000000Z#000000#000#000000)",
        "(createTimestamp<=20000101000000Z)",
    ],
)
def test_it_finds_for_a_filter_what_ldap3_finds(generator: LoadGenerator, endpoint: Endpoint, text: str) -> None:
    result = generator.run(endpoint, Load(filter_template=text, requests=3, attributes="cn"))
    assert (result.requests, result.entries) == (3, 3 * count(endpoint, text))


def test_random_numbers_take_the_place_of_the_digits_wherever_they_stand(generator: LoadGenerator, endpoint: Endpoint) -> None:
    text = "(&(uid=user%06d)(|(cn=User %06d)(sn=nobody)))"
    load = Load(filter_template=text, range=PEOPLE, requests=2000, connections=4, in_flight=8, expect_entries=1)
    assert generator.run(endpoint, load).entries == 2000


def test_a_walk_returns_every_entry_and_only_the_attributes_asked_for(generator: LoadGenerator, endpoint: Endpoint) -> None:
    whole = generator.run(endpoint, Load(requests=2))
    two = generator.run(endpoint, Load(requests=2, attributes="cn,mail"))
    assert whole.entries == two.entries == 2 * count(endpoint, "(objectClass=*)")
    assert whole.bytes > 2 * two.bytes


def test_a_run_by_the_clock_counts_only_after_the_warm_up(generator: LoadGenerator, endpoint: Endpoint) -> None:
    result = generator.run(endpoint, Load(filter_template="(uid=user000001)", warmup=0.2, seconds=0.3, connections=3))
    assert 0.25 < result.seconds < 0.45
    assert result.requests == pytest.approx(result.per_second * result.seconds, rel=0.01)
    assert 0 < result.p50_us <= result.p99_us <= result.max_us * 1.04  # a bucket is 3 percent wide


def test_the_last_digit_of_the_number_can_stand_alone(generator: LoadGenerator, endpoint: Endpoint) -> None:
    text = "(&(uid=user%06d)(departmentNumber=%01d))"
    assert generator.run(endpoint, Load(filter_template=text, range=PEOPLE, requests=200, expect_entries=1)).entries == 200


def test_all_pages_of_a_paged_search_are_one_request(generator: LoadGenerator, endpoint: Endpoint) -> None:
    everything = count(endpoint, "(objectClass=*)")
    result = generator.run(endpoint, Load(page_size=40, requests=3, connections=2, expect_entries=everything))
    assert (result.requests, result.entries) == (3, 3 * everything)


def test_an_extensible_match_is_sent_as_one(generator: LoadGenerator, endpoint: Endpoint) -> None:
    load = Load(filter_template="(uid:caseExactMatch:=user000007)", requests=1, expect_entries=1)
    assert generator.run(endpoint, load).entries == 1


def test_a_climb_asks_for_the_groups_of_the_groups_that_it_finds(generator: LoadGenerator, server: Slapd) -> None:
    server.add(group := group_dn(100), "groupOfNames", {"cn": "group00100", "member": group_dn(0)})
    server.add(group_dn(101), "groupOfNames", {"cn": "group00101", "member": group})
    member = "uid=user%06d,ou=dept%01d,ou=people,dc=example,dc=test"
    load = Load(mode="climb", filter_template=f"(member={member})", range=MEMBERS, requests=50, expect_entries=3)
    assert generator.run(as_contender(server).endpoint, load).entries == 150


def test_people_bind_with_passwords_of_their_own(generator: LoadGenerator, endpoint: Endpoint) -> None:
    who = "uid=user00000%01d,ou=dept%01d,ou=people,dc=example,dc=test"
    people_bind = Load(mode="bind", person_dn=who, person_password="secret%01d", range=10, requests=60, connections=3)
    assert generator.run(endpoint, people_bind).requests == 60


def test_tls_changes_nothing_but_the_port(generator: LoadGenerator, server: Slapd, endpoint: Endpoint) -> None:
    encrypted = replace(endpoint, port=server.ldaps_port, tls=True)
    many = Load(filter_template="(uid=user%06d)", range=PEOPLE, requests=1000, connections=4, in_flight=4, expect_entries=1)
    assert generator.run(encrypted, many).entries == 1000
    assert generator.run(encrypted, Load(requests=2)).bytes == generator.run(endpoint, Load(requests=2)).bytes


def test_a_slow_reader_takes_no_more_than_its_share_of_a_second(generator: LoadGenerator, endpoint: Endpoint) -> None:
    result = generator.run(endpoint, Load(read_bytes=20_000, connections=2, local_addresses=2, seconds=0.5))
    assert 0 < result.bytes <= 2 * 20_000 * 0.7


def test_binds_are_counted_one_at_a_time_on_each_connection(generator: LoadGenerator, endpoint: Endpoint) -> None:
    assert generator.run(endpoint, Load(mode="bind", requests=50, connections=2)).requests == 50


def test_idle_connections_stay_open_and_ask_nothing(generator: LoadGenerator, endpoint: Endpoint) -> None:
    assert generator.run(endpoint, Load(mode="idle", connections=50, seconds=0.2)).requests == 0


def test_an_unexpected_number_of_entries_is_no_measurement(generator: LoadGenerator, endpoint: Endpoint) -> None:
    with pytest.raises(LoadError, match="entries in one answer: 0"):
        generator.run(endpoint, Load(filter_template="(uid=nobody)", requests=3, expect_entries=1))


def test_a_result_code_is_no_measurement(generator: LoadGenerator, endpoint: Endpoint) -> None:
    elsewhere = Endpoint(endpoint.port, endpoint.bind_dn, endpoint.password, "dc=elsewhere")
    with pytest.raises(LoadError, match="result code 32"):
        generator.run(elsewhere, Load(requests=3))


def test_a_refused_bind_says_so_without_the_password(generator: LoadGenerator, endpoint: Endpoint) -> None:
    wrong = Endpoint(endpoint.port, endpoint.bind_dn, "not-this-one", endpoint.base)
    with pytest.raises(LoadError, match="result code 49") as caught:
        generator.run(wrong, Load(requests=1))
    assert "not-this-one" not in f"{caught.value} {wrong}"


def test_a_server_that_goes_away_is_no_measurement(generator: LoadGenerator, tmp_path: Path, pki: Pki) -> None:
    leaving = openldap.start(tmp_path / "leaving", pki)
    with (
        pytest.raises(LoadError, match="ended early"),
        generator.background(as_contender(leaving).endpoint, Load(seconds=60)) as running,
    ):
        leaving.kill()
        running.process.wait(30)
    leaving.end()


@pytest.mark.parametrize("text", ["(uid=a", "uid=a", "(uid)", "(&(uid=a)x)", "(uid=%06d)(x=y)", "(uid=%1d%03d%04d)"])
def test_a_filter_that_cannot_be_read_is_refused_before_anything_is_sent(
    generator: LoadGenerator, endpoint: Endpoint, text: str
) -> None:
    with pytest.raises(LoadError):
        generator.run(endpoint, Load(filter_template=text, requests=1))


def test_resident_memory_is_that_of_the_process(server: Slapd) -> None:
    assert 5 < resident_mebibytes(server.pid) < 500
