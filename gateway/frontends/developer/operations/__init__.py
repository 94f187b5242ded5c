"""The API's operations by kind of object; each is one function of the caller's view and the request.

`users`, `groups`, `organizational_units` read; `user_writes` (with `custom_fields`), `unit_writes` and `group_writes` read what
a request asks for and return what is done in one transaction, which `write_endpoint` carries out, all in the same way;
`new_users` makes users, with passwords; `passwords` sets, clears and lists passwords. routes.py gives each its path.
"""
