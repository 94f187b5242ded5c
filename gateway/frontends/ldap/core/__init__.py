"""Values that the whole LDAP server shares. Nothing here knows an operation.

limits, counters, results, search_turns and subscription_limit stand alone; services puts together what every connection works
with; supported_controls is the registry of controls. exchange and responder are the two things that an
operation is handed: what it may know, and what it may do. running_operation drives one that is not finished at once.
sasl_mechanisms names those that a client may use."""
