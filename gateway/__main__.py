"""`python -m gateway` is the command `gateway`."""

from gateway.app.cli import main

main()
