"""Bounds: no call outlasts its bound, and nothing is left behind; the same facts for every flavour of both SDKs."""
