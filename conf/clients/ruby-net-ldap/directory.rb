# Ruby net-ldap: log-in by search and bind, groups of a person, members of a group (it reads everything in pages by itself).
# Gateway: a view of kind openldap, an application (gateway application add sample-portal).
# Tested with net-ldap 0.17 from Debian 12 (ruby-net-ldap).
require "net/ldap"

PEOPLE = "ou=people,dc=directory,dc=example"
GROUPS = "ou=groups,dc=directory,dc=example"

def connected
  Net::LDAP.new(
    host: "127.0.0.1",
    port: 3890,
    auth: {
      method: :simple,
      username: "cn=sample-portal,ou=applications,dc=directory,dc=example",
      password: "application-secret"
    }
  )
end

# The person's entry, or false. An empty password would be an anonymous bind: never a log-in.
def log_in(name, password)
  filter = Net::LDAP::Filter.eq("objectClass", "inetOrgPerson") & Net::LDAP::Filter.equals("uid", name)
  found = connected.bind_as(base: PEOPLE, filter: filter, size: 1, password: password, attributes: %w[cn mail memberOf])
  !password.empty? && found && found.first
end

def members(group)
  filter = Net::LDAP::Filter.equals("memberOf", "cn=#{group},#{GROUPS}")
  connected.search(base: PEOPLE, filter: filter, attributes: ["cn"]).map { |entry| entry.cn.first }
end

command, name = ARGV
if command == "members"
  puts members(name)
else
  person = log_in(name, $stdin.gets.chomp)
  abort "refused" unless person
  puts person.cn, person.mail, person[:memberof]
end
