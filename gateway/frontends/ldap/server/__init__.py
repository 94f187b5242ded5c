"""Connections and what holds for all of them.

server: listening, counting, the timer. connection: one client, octets in and out. outstanding_operations: what it has in
flight. priority_requests: what does not wait for them. dispatch: request → operation.
proxied_authorization: an exchange as another party's. request_template and fast_path: frequent searches without decoding.
output_buffer: answers on their way out. connection_limits: admission by address. revocation_sweep: rights that have ended.
proxy_protocol: a client's address as its proxy tells it. receive_budget: what clients without a bind may leave half sent.

Only dispatch knows the operations, and no operation knows this package."""
