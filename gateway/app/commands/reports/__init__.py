"""The package gateway.app.commands.reports."""
