"""Searches that report changes. change_stream is what they have in common; content_sync (RFC 4533) and persistent_search (the
draft, and Active Directory's notifications) say it in the client's words; dispatch chooses by the search's control.

Nothing is ever queued for a client: a slow one is sent fewer, larger steps (gateway/directory/journal finds them)."""
