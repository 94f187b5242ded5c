"""Writes to entries, before the door: what a client asks of an entry becomes an edit of the object. Pure, but for the
lookups of members and organizations.

Read in this order: write_errors → modifications (values of one attribute) and object_classes → account_control (whether an
account is enabled) → named_entries (the entries that values of the syntax DN mean) → rule_inversion, entry_to_edit (a view's
rules inverted) → entry_placement (where a new entry may stand) → named_organizations (where a new person belongs) →
member_changes (the members that values mean).

Nothing here writes: an edit goes through the one door (law 1). What a party does not see, it must not be able to name or
remove."""
