"""The version of the SDK."""

VERSION = "1.0.0"
