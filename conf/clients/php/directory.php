<?php // PHP: log-in by search and bind, groups of a person, members of a group read in pages.
// Gateway: a view of kind openldap, an application (gateway application add sample-portal).
// Tested with PHP 8.2 from Debian 12 (php8.2-ldap).

const URL = 'ldap://127.0.0.1:3890';
const PEOPLE = 'ou=people,dc=directory,dc=example';
const GROUPS = 'ou=groups,dc=directory,dc=example';
const BIND_DN = 'cn=sample-portal,ou=applications,dc=directory,dc=example';
const BIND_PASSWORD = 'application-secret';

function connected(): LDAP\Connection
{
    $connection = ldap_connect(URL);
    ldap_set_option($connection, LDAP_OPT_PROTOCOL_VERSION, 3);
    ldap_bind($connection, BIND_DN, BIND_PASSWORD) or exit(2);
    return $connection;
}

/** The person's entry, or null. An empty password would be an anonymous bind: never a log-in. */
function log_in(string $name, string $password): ?array
{
    $connection = connected();
    $asked = '(&(objectClass=inetOrgPerson)(uid=' . ldap_escape($name, '', LDAP_ESCAPE_FILTER) . '))';
    $found = ldap_get_entries($connection, ldap_search($connection, PEOPLE, $asked, ['cn', 'mail', 'memberOf']));
    if ($found['count'] !== 1 || $password === '' || !@ldap_bind($connection, $found[0]['dn'], $password)) {
        return null;
    }
    return $found[0];
}

function members(string $group): array
{
    $connection = connected();
    $asked = '(memberOf=cn=' . ldap_escape($group, '', LDAP_ESCAPE_FILTER) . ',' . GROUPS . ')';
    [$names, $cookie] = [[], ''];
    do {
        $control = ['oid' => LDAP_CONTROL_PAGEDRESULTS, 'iscritical' => true, 'value' => ['size' => 2, 'cookie' => $cookie]];
        $result = ldap_search($connection, PEOPLE, $asked, ['cn'], 0, 0, 0, LDAP_DEREF_NEVER, [$control]);
        ldap_parse_result($connection, $result, $code, $dn, $message, $referrals, $answered);
        foreach (array_slice(ldap_get_entries($connection, $result), 1) as $entry) {
            $names[] = $entry['cn'][0];
        }
        $cookie = $answered[LDAP_CONTROL_PAGEDRESULTS]['value']['cookie'];
    } while ($cookie !== '');
    return $names;
}

if ($argv[1] === 'members') {
    echo implode("\n", members($argv[2])), "\n";
    exit(0);
}
$person = log_in($argv[2], rtrim(fgets(STDIN), "\n"));
if ($person === null) {
    fwrite(STDERR, "refused\n");
    exit(1);
}
echo implode("\n", [$person['cn'][0], $person['mail'][0], ...array_slice($person['memberof'] ?? [], 1)]), "\n";
