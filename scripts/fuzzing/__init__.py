"""`scripts/fuzz_server`: a running gateway among clients that are broken, rude or merely busy.

World and requests (what may be asked) → plans (what one client does) → judge (what may be answered) → conversation (the
socket) → campaign (many of them, and what the gateway has left of memory and files afterwards).
"""
