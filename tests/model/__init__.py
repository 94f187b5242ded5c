"""The model alone: plain values, no servers."""
