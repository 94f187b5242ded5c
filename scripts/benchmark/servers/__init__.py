"""The servers that are measured, and what they hold.

`sample` (the directory), `prepared` (loaded data, kept for other runs), `contenders` (a server as the rows see it; slapd and
its replica), `peers` and `domain_controller` (the other sides of single rows), `gateway_side`, and `without` (the gateway
without one part of gateway.twisted_internals).
"""
