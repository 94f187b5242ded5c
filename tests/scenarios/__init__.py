"""The whole product as its users meet it: a real upstream, the installed program, clients that nobody here wrote."""
