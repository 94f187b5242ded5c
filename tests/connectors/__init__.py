"""The connectors against real servers, and against a scripted one for what no real server does."""
