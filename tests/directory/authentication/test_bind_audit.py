"""Lines of binds are bounded in number and in length, however fast a stranger makes up names."""

import pytest
from structlog.testing import capture_logs
from twisted.internet.task import Clock

from gateway.directory.authentication import bind_audit, line_sums
from gateway.directory.authentication.bind_audit import MAX_REPEATED, PROXIED, BindAudit
from gateway.directory.authentication.line_sums import MAX_ALL_LINES, MAX_LINES, OTHERS, SUM_SECONDS


def test_of_many_refused_binds_of_an_address_the_first_are_written_and_the_others_counted() -> None:
    clock = Clock()
    audit = BindAudit(clock)
    with capture_logs() as lines:
        for number in range(5_000):
            audit.refused(f"192.0.2.1:{number}", "wrong", {"dn": f"cn={number}"})
        audit.refused("[2001:db8::1]:7", "wrong", {"dn": "cn=other"})
        clock.advance(SUM_SECONDS)
        audit.refused("192.0.2.1:9", "wrong", {"dn": "cn=again"})
    assert [line["dn"] for line in lines[:MAX_LINES]] == [f"cn={number}" for number in range(MAX_LINES)]
    other, summed, again = lines[MAX_LINES:]
    assert (other["dn"], again["dn"]) == ("cn=other", "cn=again")
    assert summed["event"] == f"{5_000 - MAX_LINES:,} more refused binds from 192.0.2.1 in 10 s"


def test_of_many_addresses_some_share_a_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_sums, "MAX_ADDRESSES", 2)
    clock = Clock()
    audit = BindAudit(clock)
    with capture_logs() as lines:
        for number in range(100):
            audit.refused(f"192.0.2.{number}:1", "wrong", {"dn": "x"})
        audit.close()
    assert len(lines) == 2 + MAX_LINES + 1
    assert lines[-1]["address"] == OTHERS
    assert not clock.getDelayedCalls()


def test_a_long_name_is_cut_and_its_length_told() -> None:
    with capture_logs() as lines:
        BindAudit().refused("192.0.2.1:1", "wrong", {"dn": "x" * 2_000, "locked_now": True})
    assert lines[0]["dn"] == "x" * 200 + "… (2,000 characters)"
    assert lines[0]["locked_now"] is True


def test_of_accepted_binds_that_repeat_each_other_the_first_are_written_and_the_others_counted() -> None:
    clock = Clock()
    audit = BindAudit(clock)
    portal, anna = {"dn": "cn=portal", "source": "gateway"}, {"dn": "uid=anna", "source": "corp"}
    with capture_logs() as lines:
        for number in range(1_000):
            audit.accepted(f"192.0.2.1:{number}", portal)
        for fields, peer in ((portal, "192.0.2.2:1"), (anna, "192.0.2.1:1"), ({**anna, "source": "partner"}, "192.0.2.1:1")):
            audit.accepted(peer, fields)
        assert [line["dn"] for line in lines] == ["cn=portal"] * (MAX_REPEATED + 1) + ["uid=anna"] * 2
        clock.advance(SUM_SECONDS)
        [summed] = lines[MAX_REPEATED + 3 :]
        assert summed == {
            "event": f"{1_000 - MAX_REPEATED} more of this bind in 10 s",
            "address": "192.0.2.1",
            "result": "accepted",
            "count": 1_000 - MAX_REPEATED,
            "log_level": "info",
            **portal,
        }
        audit.accepted("192.0.2.1:1", portal)
        assert lines[-1]["peer"] == "192.0.2.1:1", "the count begins anew"
    audit.close()
    assert not clock.getDelayedCalls()


def test_what_is_counted_is_written_at_the_end() -> None:
    clock = Clock()
    audit = BindAudit(clock)
    with capture_logs() as lines:
        for _ in range(MAX_REPEATED + 2):
            audit.accepted("192.0.2.1:1", {"dn": "cn=portal"}, PROXIED)
        audit.close()
    assert lines[-1]["event"] == "2 more of this proxied authorization in 10 s"


def test_a_great_many_different_binds_are_all_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bind_audit, "MAX_KINDS", 3)
    audit = BindAudit(Clock())
    with capture_logs() as lines:
        for number in range(50):
            audit.accepted("192.0.2.1:1", {"dn": f"uid=p{number}"})
    assert len(lines) == 50
    audit.close()


def test_all_addresses_together_cause_so_many_lines_and_no_more() -> None:
    clock = Clock()
    audit = BindAudit(clock)
    with capture_logs() as lines:
        for number in range(900):
            audit.refused(f"192.0.{number // 250}.{number % 250}:1", "wrong", {"dn": "x"})
        assert len(lines) == MAX_ALL_LINES
        clock.advance(SUM_SECONDS)
        audit.refused("192.0.2.1:1", "wrong", {"dn": "again"})
    assert lines[-1]["dn"] == "again"


def test_an_ipv6_network_is_one_address() -> None:
    audit = BindAudit(Clock())
    with capture_logs() as lines:
        for number in range(100):
            audit.refused(f"2001:db8::{number:x}:1", "wrong", {"dn": "x"})
    assert len(lines) == MAX_LINES
