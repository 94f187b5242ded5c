"""OpenLDAP's own command line tools against the gateway: what an administrator types first."""

import pytest

from tests.frontends.ldap.client_programs import ANONYMOUS, tool
from tests.frontends.ldap.company import ALL, ANN, BASE, BOB, PEOPLE, STAFF
from tests.frontends.ldap.serving import Account, Serving, blocking
from tests.servers.pki import Pki


@blocking
def test_ldapsearch_finds_a_person_by_uid_and_by_mail(serving: Serving) -> None:
    for text in ("(uid=ann)", "(mail=ANN@example.test)"):
        done = tool("ldapsearch", serving.url, serving.portal, "-LLL", "-o", "ldif-wrap=no", "-b", BASE, text, "uid", "cn")
        assert done.returncode == 0, done.stderr
        lines = done.stdout.split("\n")
        assert lines[:2] == [f"dn: {ANN}", "uid: ann"]
        assert "cn: Ann M." in lines


@blocking
def test_ldapsearch_pages_through_everything(serving: Serving) -> None:
    done = tool("ldapsearch", serving.url, serving.portal, "-LLL", "-b", BASE, "-E", "!pr=300/noprompt", "(uid=*)", "1.1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("dn: uid=") == 2004


@blocking
def test_ldapsearch_tells_that_the_size_limit_was_reached_and_shows_what_was_found(serving: Serving) -> None:
    done = tool("ldapsearch", serving.url, serving.portal, "-LLL", "-z", "7", "-b", BASE, "(uid=crowd*)", "1.1")
    assert done.returncode == 4
    assert done.stdout.count("dn: uid=") == 7


@blocking
def test_ldapsearch_without_a_simple_bind_finds_no_sasl_mechanism(serving: Serving) -> None:
    done = tool("ldapsearch", serving.url, None, "-b", BASE)
    assert done.returncode != 0
    assert "ldap_sasl_interactive_bind" in done.stderr


@blocking
def test_ldapsearch_shows_the_root_dse_to_anybody_and_the_rest_to_nobody(serving: Serving) -> None:
    root = tool("ldapsearch", serving.url, ANONYMOUS, "-LLL", "-s", "base", "-b", "", "(objectclass=*)", "+")
    assert f"namingContexts: {BASE}" in root.stdout
    rest = tool("ldapsearch", serving.url, ANONYMOUS, "-b", BASE)
    assert rest.returncode == 50
    assert "bind first" in rest.stdout + rest.stderr


@blocking
def test_ldapwhoami_tells_who_is_bound(serving: Serving) -> None:
    for account, shown in ((serving.ann, f"dn:{ANN}"), (serving.portal, f"dn:{serving.portal.dn}"), (ANONYMOUS, "anonymous")):
        assert tool("ldapwhoami", serving.url, account).stdout.strip() == shown


@pytest.mark.parametrize(
    ("entry", "assertion", "code"),
    [
        (STAFF, f"member:{ANN.upper()}", 6),
        (STAFF, f"member:{PEOPLE}", 5),
        (ALL, f"member:{STAFF}", 6),
        (STAFF, f"uniqueMember:{ANN}", 16),
        (STAFF, "objectClass:groupOfNames", 6),
        (STAFF, "objectClass:groupOfUniqueNames", 5),
        (ANN, f"memberOf:{STAFF}", 6),
        (BOB, "title:ENGINEER", 6),
        (BOB, "loginShell:/bin/zsh", 16),
        (ANN, "loginShell:/BIN/ZSH", 5),
        (ANN, "nonsense:1", 17),
        (ANN, "uidNumber:ten", 21),
        (f"uid=nobody,{PEOPLE}", "uid:nobody", 32),
        ("dc=elsewhere", "dc:elsewhere", 32),
    ],
)
@blocking
def test_ldapcompare_gets_true_false_or_the_reason(serving: Serving, entry: str, assertion: str, code: int) -> None:
    assert tool("ldapcompare", serving.url, serving.portal, entry, assertion).returncode == code


@pytest.mark.parametrize(
    ("name", "arguments", "ldif"),
    [
        ("ldapadd", (), f"dn: uid=new,{PEOPLE}\nobjectClass: inetOrgPerson\nuid: new\ncn: new\nsn: new\n"),
        ("ldapmodify", (), f"dn: {ANN}\nchangetype: modify\nreplace: title\ntitle: Boss\n"),
        ("ldapdelete", (ANN,), ""),
        ("ldapdelete", ("-M", "-r", PEOPLE), ""),
        ("ldapmodrdn", ("-r", ANN, "uid=anna"), ""),
    ],
)
@blocking
def test_writes_are_refused_with_a_sentence_that_says_where_to_write(
    serving: Serving, name: str, arguments: tuple[str, ...], ldif: str
) -> None:
    done = tool(name, serving.url, serving.portal, *arguments, text=ldif)
    assert done.returncode == 53, done.stderr
    assert "(berlin)" in done.stdout + done.stderr


@blocking
def test_ldappasswd_is_told_where_a_password_is_kept_that_is_not_changed_here(serving: Serving) -> None:
    done = tool("ldappasswd", serving.url, serving.ann, "-a", "ann-secret", "-s", "new-secret")
    assert done.returncode != 0
    assert "unwilling to perform (53)" in done.stdout + done.stderr and "(berlin)" in done.stdout + done.stderr
    assert "new-secret" not in done.stdout + done.stderr


@blocking
def test_the_tools_speak_tls_by_starttls_and_by_ldaps(tls_serving: Serving, pki: Pki) -> None:
    over_starttls = tool("ldapwhoami", tls_serving.url, tls_serving.ann, "-ZZ", ca=pki.ca)
    assert over_starttls.stdout.strip() == f"dn:{ANN}", over_starttls.stderr
    over_ldaps = tool("ldapwhoami", tls_serving.tls_url, tls_serving.ann, ca=pki.ca)
    assert over_ldaps.stdout.strip() == f"dn:{ANN}", over_ldaps.stderr
    assert tool("ldapwhoami", tls_serving.tls_url, tls_serving.ann, ca=pki.wrong_ca).returncode != 0


@blocking
def test_a_wrong_password_is_invalid_credentials(serving: Serving) -> None:
    assert tool("ldapwhoami", serving.url, Account(ANN, "wrong")).returncode == 49
