"""Pings over UDP ([MS-ADTS] §6.3.3, "CLDAP"): how programs for Active Directory (adcli, realm, SSSD) look whether a machine is
a domain controller, and of which domain. Off unless `[ldap] cldap_listen` says where.

Read in this order: netlogon (the answer's octets) → domains (whose names it has) → ping (question → answer) → rate_limit
→ responder (the datagrams). Clients without UDP send the same search over TCP.

A datagram's sender may be made up, so an answer must never be worth asking for in another's name: it is hardly longer than the
question, is given to well-formed questions alone, and only so often. It says nothing that the root DSE does not."""
