"""The journal: what changed in a view, as one party sees it through one search, for replication and notifications.

Read in this order: past_visibility (what the party could see at an earlier position) → journal_reader (the events, in slices) →
journal (one search's entry to it, and its mark).

An entry that a party could not see then and cannot see now must never be reported, nor a name that it could not know."""
