"""The package gateway.wire.codec."""
