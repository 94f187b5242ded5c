"""The projection: an object of the directory becomes an LDAP entry, by the rules of a view. Pure.

Read in this order: attribute_rules (where an attribute's values come from) → view_definition (base, containers, rules of each
kind) → view_kinds with active_directory (the views one can ask for) and view_overrides (what the configuration changes of them)
→ named_values, entry_kinds, entry (the value that is stored and sent) → entry_plan (one kind's rules, prepared) and containers
→ projection. index_keys makes the keys by which a stored entry is found.

Nothing here reads the store or a view file: neighbours (parents, members, names that are taken) are handed in. Whatever changes
an entry's bytes changes the view's fingerprint, or FORMAT (view_definition.py).

A new attribute: its LDAP type in gateway/model/ldap/schema_definitions.py, and its rule in view_kinds or active_directory."""
