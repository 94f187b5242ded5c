#!/usr/bin/perl
# Perl Net::LDAP: log-in by search and bind, groups of a person, members of a group read in pages.
# Gateway: a view of kind openldap, an application (gateway application add sample-portal).
# Tested with Net::LDAP 0.6800 from Debian 12 (libnet-ldap-perl).
use strict;
use warnings;
use Net::LDAP;
use Net::LDAP::Constant qw(LDAP_CONTROL_PAGED);
use Net::LDAP::Control::Paged;
use Net::LDAP::Util qw(escape_filter_value);

my $url      = 'ldap://127.0.0.1:3890';
my $people   = 'ou=people,dc=directory,dc=example';
my $groups   = 'ou=groups,dc=directory,dc=example';
my $bind_dn  = 'cn=sample-portal,ou=applications,dc=directory,dc=example';
my $password = 'application-secret';

sub connected {
    my $connection = Net::LDAP->new($url) or die "$@\n";
    my $answer = $connection->bind($bind_dn, password => $password);
    die $answer->error, "\n" if $answer->code;
    return $connection;
}

# The person's entry, or undef. An empty password would be an anonymous bind: never a log-in.
sub log_in {
    my ($name, $given) = @_;
    my $connection = connected();
    my $asked = '(&(objectClass=inetOrgPerson)(uid=' . escape_filter_value($name) . '))';
    my $found = $connection->search(base => $people, filter => $asked, attrs => ['cn', 'mail', 'memberOf']);
    die $found->error, "\n" if $found->code;
    return undef if $found->count != 1 || $given eq '';
    return $connection->bind($found->entry(0)->dn, password => $given)->code ? undef : $found->entry(0);
}

sub members {
    my ($group) = @_;
    my ($connection, $page) = (connected(), Net::LDAP::Control::Paged->new(size => 2, critical => 1));
    my $asked = '(memberOf=cn=' . escape_filter_value($group) . ",$groups)";
    my @names;
    while (1) {
        my $found = $connection->search(base => $people, filter => $asked, attrs => ['cn'], control => [$page]);
        die $found->error, "\n" if $found->code;
        push @names, map { $_->get_value('cn') } $found->entries;
        my ($answer) = $found->control(LDAP_CONTROL_PAGED);
        return @names unless $answer && $answer->cookie;
        $page->cookie($answer->cookie);
    }
}

my ($command, $name) = @ARGV;
if ($command eq 'members') {
    print "$_\n" for members($name);
    exit 0;
}
chomp(my $given = <STDIN>);
my $person = log_in($name, $given);
if (!$person) {
    print STDERR "refused\n";
    exit 1;
}
print "$_\n" for map { $person->get_value($_) } ('cn', 'mail', 'memberOf');
