"""The parts that more than one process or command makes, from the settings. wiring.py and the workers join them.

Read it in this order:

1. `clock`, `lease_holder`: the time, and the name of this process among all nodes. `listener_certificate`: a listener's TLS.
2. `opened_store`: the store, with this program's schema.
3. `source_parts`: the parts of each source, made once. `local_parts`: those that write for the gateway itself.
4. `measured_authenticator`, `jit`: what stands between the LDAP server and the sources' passwords.
5. `ldap_server`: the services of one process's LDAP server, the same for the primary process and for each worker.

Nothing here starts or listens, and only `opened_store` opens something. Nothing here knows the kinds of sources.
"""
