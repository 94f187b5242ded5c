"""LDAP on the wire, sans-IO: BER, LDAPMessage, filters and controls ↔ frozen values (RFC 4511). Knows nothing of ours.

errors, limits → ber → filter_values, messages → filter_ber, requests, responses → decoder, encoder, entries → controls.
framing cuts a stream into messages; filters and controls gather their subjects under one name.
"""
