"""The LDAP server (RFC 4511): outside words ↔ our words, nothing else. One file for each operation.

Read it from the bottom up; each package imports from those before it only:

    core           values that all others share: limits, counters, results, controls, SASL mechanisms; Exchange and Responder
    search         the common part of searches: names, root DSE, control values, slices, pages, lists
    subscriptions  searches that report changes: content synchronization, persistent searches, notifications
    cldap          pings, by which programs for Active Directory look for a domain controller, over UDP and TCP
    writes         the common part of Add, Delete, Modify and Modify DN: authorization, transaction, audit
    operations     one file for each operation, found by server/dispatch.py and operations/extended.py
    server         connections: framing, order, back-pressure, TLS, limits, and the fast path for frequent requests

An operation never sees the connection: it is handed values and a narrow interface, so that it can be read, and tested, alone.
What a party may see and which password counts is never decided here, but in gateway/directory.

The codec is our own, and so is the fast path, because work per request is what limits an LDAP server in Python: ldaptor takes
43 µs to decode one search request, and slapd some 35 µs for all of it."""
