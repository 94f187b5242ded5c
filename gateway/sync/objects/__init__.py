"""The package gateway.sync.objects."""
