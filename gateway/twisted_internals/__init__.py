"""Everything that touches Twisted's private parts, and the one type of its reactor.

A floor of its own at the bottom: nothing here knows the gateway, and nothing else of the gateway may reach for a name of
Twisted that begins with an underscore."""
