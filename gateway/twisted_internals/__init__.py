"""Everything that touches Twisted's private parts, and the one type of its reactor.

A floor of its own at the bottom: nothing here knows the gateway, and nothing else of the gateway may use a name of Twisted that
begins with an underscore (tests/test_architecture.py). That is why setup.cfg gives `twisted` an upper bound.

`reactor`: the reactor as one type.
`turn_reactor`: the reactor of `gateway serve`, which knows the end of its turns.
`direct_writes`: octets to the socket at once, past the transport's queue, also below TLS.
`bounded_port`: a port that accepts a few connections in one turn.
`bare_socket_port`: a port that hands out accepted sockets, for worker processes.
`proxy_header`: the header of the PROXY protocol, by which a proxy tells its client's address.
`http_channel`: the HTTP channel whose parser's complaints a face answers in its own words.
"""
