// ldapts (Node.js): log-in by search and bind, groups of a person, members of a group read in pages.
// Gateway: a view of kind openldap, an application (gateway application add sample-portal).
// Tested with ldapts 7.4 from npm (ldapts).
import { readFileSync } from 'node:fs';
import { AndFilter, Client, EqualityFilter, InvalidCredentialsError } from 'ldapts';

const url = 'ldap://127.0.0.1:3890';
const people = 'ou=people,dc=directory,dc=example';
const groups = 'ou=groups,dc=directory,dc=example';
const bindDN = 'cn=sample-portal,ou=applications,dc=directory,dc=example';
const bindPassword = 'application-secret';

async function connected(work) {
  const client = new Client({ url, timeout: 10000 });
  try {
    await client.bind(bindDN, bindPassword);
    return await work(client);
  } finally {
    await client.unbind();
  }
}

const equal = (attribute, value) => new EqualityFilter({ attribute, value });

/** The person's entry, or null. An empty password would be an anonymous bind: never a log-in. */
async function logIn(name, password) {
  return connected(async (client) => {
    const filter = new AndFilter({ filters: [equal('objectClass', 'inetOrgPerson'), equal('uid', name)] });
    const { searchEntries } = await client.search(people, { filter, attributes: ['cn', 'mail', 'memberOf'] });
    if (searchEntries.length !== 1 || password === '') return null;
    try {
      await client.bind(searchEntries[0].dn, password);
      return searchEntries[0];
    } catch (error) {
      if (error instanceof InvalidCredentialsError) return null;
      throw error;
    }
  });
}

async function members(group) {
  return connected(async (client) => {
    const filter = equal('memberOf', `cn=${group},${groups}`);
    const { searchEntries } = await client.search(people, { filter, attributes: ['cn'], paged: { pageSize: 2 } });
    return searchEntries.map((entry) => entry.cn);
  });
}

const [command, name] = process.argv.slice(2);
if (command === 'members') {
  console.log((await members(name)).join('\n'));
} else {
  const person = await logIn(name, readFileSync(0, 'utf8').split('\n')[0]);
  if (person === null) {
    console.error('refused');
    process.exit(1);
  }
  console.log([person.cn, person.mail, person.memberOf].flat().join('\n'));
}
