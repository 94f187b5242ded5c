// JNDI (Java; Jenkins, Keycloak and most Java software): log-in by search and bind, groups, members read in pages, sorted.
// Gateway: a view of kind openldap, an application (gateway application add sample-portal).
// Tested with OpenJDK 17 from Debian 12 (openjdk-17-jdk-headless).

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Hashtable;
import java.util.List;
import javax.naming.AuthenticationException;
import javax.naming.Context;
import javax.naming.NamingEnumeration;
import javax.naming.directory.Attribute;
import javax.naming.directory.SearchControls;
import javax.naming.directory.SearchResult;
import javax.naming.ldap.Control;
import javax.naming.ldap.InitialLdapContext;
import javax.naming.ldap.PagedResultsControl;
import javax.naming.ldap.PagedResultsResponseControl;
import javax.naming.ldap.SortControl;

public class Directory {
    static final String URL = "ldap://127.0.0.1:3890";
    static final String PEOPLE = "ou=people,dc=directory,dc=example";
    static final String GROUPS = "ou=groups,dc=directory,dc=example";
    static final String BIND_DN = "cn=sample-portal,ou=applications,dc=directory,dc=example";
    static final String BIND_PASSWORD = "application-secret";

    static InitialLdapContext connected(String dn, String password) throws Exception {
        var environment = new Hashtable<String, String>();
        environment.put(Context.INITIAL_CONTEXT_FACTORY, "com.sun.jndi.ldap.LdapCtxFactory");
        environment.put(Context.PROVIDER_URL, URL);
        environment.put(Context.SECURITY_AUTHENTICATION, "simple");
        environment.put(Context.SECURITY_PRINCIPAL, dn);
        environment.put(Context.SECURITY_CREDENTIALS, password);
        environment.put("com.sun.jndi.ldap.connect.timeout", "5000");
        environment.put("com.sun.jndi.ldap.read.timeout", "10000");
        return new InitialLdapContext(environment, null);
    }

    static SearchControls asking(String... attributes) {
        var controls = new SearchControls();
        controls.setSearchScope(SearchControls.SUBTREE_SCOPE);
        controls.setReturningAttributes(attributes);
        return controls;
    }

    /** The person's entry, or null. An empty password would be an anonymous bind: never a log-in. */
    static SearchResult logIn(String name, String password) throws Exception {
        var context = connected(BIND_DN, BIND_PASSWORD);
        var found = context.search(PEOPLE, "(&(objectClass=inetOrgPerson)(uid={0}))", new Object[] {name},
                asking("cn", "mail", "memberOf"));
        SearchResult person = found.hasMore() ? found.next() : null;
        context.close();
        if (person == null || password.isEmpty()) {
            return null;
        }
        try {
            connected(person.getNameInNamespace(), password).close();
            return person;
        } catch (AuthenticationException wrong) {
            return null;
        }
    }

    static List<String> members(String group) throws Exception {
        var names = new ArrayList<String>();
        var context = connected(BIND_DN, BIND_PASSWORD);
        byte[] cookie = null;
        do {
            context.setRequestControls(new Control[] {
                new PagedResultsControl(2, cookie, Control.CRITICAL), new SortControl("cn", Control.CRITICAL)});
            NamingEnumeration<SearchResult> found =
                    context.search(PEOPLE, "(memberOf={0})", new Object[] {"cn=" + group + "," + GROUPS}, asking("cn"));
            while (found.hasMore()) {
                names.add((String) found.next().getAttributes().get("cn").get());
            }
            cookie = null;
            for (Control control : context.getResponseControls()) {
                if (control instanceof PagedResultsResponseControl answer) {
                    cookie = answer.getCookie();
                }
            }
        } while (cookie != null);
        context.close();
        return names;
    }

    public static void main(String[] arguments) throws Exception {
        var out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        if (arguments[0].equals("members")) {
            members(arguments[1]).forEach(out::println);
            return;
        }
        var given = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)).readLine();
        SearchResult person = logIn(arguments[1], given);
        if (person == null) {
            System.err.println("refused");
            System.exit(1);
        }
        for (String name : new String[] {"cn", "mail", "memberOf"}) {
            Attribute attribute = person.getAttributes().get(name);
            for (int index = 0; attribute != null && index < attribute.size(); index++) {
                out.println(attribute.get(index));
            }
        }
    }
}
