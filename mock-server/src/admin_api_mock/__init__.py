"""The Admin API's reference server: one document in, a stateful API out. See README.md for what may be imported."""

__version__ = "0.1.0"
