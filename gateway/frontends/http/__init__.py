"""The web kit: what the HTTP faces (developer, admin) share. It knows no face, and nothing of what they serve.

Read `request` (Request, Answer and Stream, the plain values on both sides of a handler), `field_complaints` (what a field may
hold, in the API's words), `errors` (error → status, code and
sentence, one table), `limits`, `forwarded` (the client's address as a proxy tells it), `connection` (how many connections, how
much and how slowly a request may arrive), `streaming` (back-pressure), `exchange` (one request and its answer on the wire, and
its log line), `router` (the routes; `make_site`), and `authorization_header`. A handler takes a Request and returns an Answer
or a Stream; it never sees Twisted, klein or werkzeug.

Decision: klein only routes. Twisted has no router, and klein's (werkzeug's, below it) is well kept: variable parts, 404 and 405
with Allow. All else of klein is left aside, so that it can be replaced in one module: bodies, errors and answers are ours, and
what klein would answer in its own words is answered before or after it. It answers some 5,600 requests a second on one core,
which is far more than an API that asks the store for every request needs.
"""
