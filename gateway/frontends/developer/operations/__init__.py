"""The API's operations by kind of object; each is one function of the caller's view and the request.

`users`, `groups`, `organizational_units` read; `passwords` sets, clears and lists passwords; `refused_writes` answers every
other writing operation with the place where to write instead. They do not know each other; routes.py gives each its path.
"""
