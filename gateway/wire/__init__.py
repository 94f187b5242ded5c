"""LDAP on the wire, sans-IO: BER, LDAPMessage, filters and controls ↔ frozen values (RFC 4511). Knows nothing of ours.

Values: filter_values, messages, controls_*, extended. Octets to values: ber → filter_ber, requests, responses → decoder;
back: encoder. entry_* work on encoded entries; framing cuts a stream into messages. The names filters, controls and
entries gather what belongs together; import from those.
"""
