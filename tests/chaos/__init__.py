"""Chaos: many mixed mutations under random faults, and the accounts of what became of each (RETRY, ERR)."""
