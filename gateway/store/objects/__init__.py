"""The package gateway.store.objects."""
