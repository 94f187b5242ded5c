"""One file for each operation of RFC 4511, and for each extended operation that is more than a few lines.

Each has a function `handle(exchange, request, responder)`, which returns the whole answer, or None when it comes later, and
raises Refused or what core/results.py knows. A new operation is a file here and a line in server/dispatch.py. Operations do not
call each other, but: extended chooses among the extended ones, bind takes its SASL mechanisms from sasl, Password Modify
answers with bind's password policy, as Modify does to a person who changes the own password (own_password);
Add and Modify read unicodePwd by unicode_password."""
