"""The deletion guard as an administrator meets it: a branch deleted by mistake while the gateway follows, and an upstream that
was wiped. People go on being served until somebody says that it is right."""

from __future__ import annotations

import shutil
import subprocess

from tests.app.installation import source_of, until
from tests.conftest import StartSlapd
from tests.connectors.openldap_upstream import add_person, add_unit
from tests.scenarios.office import PEOPLE, Observer, Office
from tests.servers.people import base_tree, people
from tests.servers.pki import Pki
from tests.servers.processes import program
from tests.servers.slapd import Slapd

LIMIT = 30  # the default for users
BRANCH = 50


def delete_branch(upstream: Slapd, dn: str) -> None:
    """As administrators do it."""
    bind = ["-x", "-H", upstream.url, "-D", upstream.admin.dn, "-w", upstream.admin.password]
    subprocess.run([program("ldapdelete", "ldap-utils"), *bind, "-r", dn], check=True, timeout=30)


def served(observer: Observer) -> int:
    """How many people an application finds."""
    return len(observer.find("(uid=*)", "1.1", base=PEOPLE))


def refused(office: Office) -> bool:
    """Whether `gateway status` says that the guard has stopped the source."""
    return "refused by the deletion guard" in office("status").out


def test_a_branch_deleted_while_following_stops_and_waits_for_a_person(
    office: Office, start_slapd: StartSlapd, pki: Pki
) -> None:
    upstream = start_slapd(ldif=people(BRANCH, organizations=1))
    add_unit(upstream, "kept")
    kept = [add_person(upstream, f"kept{number}", "ou=kept,ou=people") for number in range(10)]
    office.configure(source_of(upstream, pki, "hr", "schedule_seconds = 3600"))
    with office.observed(office.application()) as observer:
        observer.must_see(upstream)
        delete_branch(upstream, f"ou=dept0,ou=people,{upstream.suffix}")
        until(lambda: refused(office), "the guard stops the source")

        row = office.source()
        assert (row["last_run"]["status"], row["lag_seconds"] is not None) == ("refused", True)
        assert "`gateway sync hr --allow-deletions`" in row["last_error"] and "the limit is 30" in row["last_error"]
        [line] = [line for line in observer.serving.log_text().splitlines() if "--allow-deletions" in line]
        assert "source hr: " in line
        assert served(observer) >= BRANCH - LIMIT + len(kept)
        assert observer.serving.bind(f"uid=kept0,{PEOPLE}", "kept0-secret") == "success"

        # Asked again without the permission, it is refused again, and nothing more is gone.
        before = served(observer)
        assert (office("sync", "hr").code, served(observer)) == (3, before)

        assert office("sync", "hr", "--allow-deletions").code == 0
        observer.must_see(upstream)
        assert (served(observer), refused(office), office.source()["last_error"]) == (len(kept), False, "")

        # It passed once: what comes now is guarded again, and small changes go through.
        upstream.delete(kept[0])
        observer.must_see(upstream)


def test_an_upstream_that_was_wiped_deletes_nobody(office: Office, start_slapd: StartSlapd, pki: Pki) -> None:
    upstream = start_slapd(ldif=people(5, organizations=1))
    office.configure(source_of(upstream, pki, "hr", "schedule_seconds = 3600"))
    with office.observed(office.application()) as observer:
        observer.must_see(upstream)
        upstream.stop()
        shutil.rmtree(upstream.directory / "db")
        (upstream.directory / "db").mkdir()
        upstream.start(base_tree())
        until(lambda: refused(office), "the guard stops the source")
        assert "it answered without a single" in office.source()["last_error"]
        assert served(observer) == 5
        assert office("sync", "--dry-run").code == 3
        assert office("sync", "--allow-deletions").code == 0
        observer.must_see(upstream)
        assert served(observer) == 0
