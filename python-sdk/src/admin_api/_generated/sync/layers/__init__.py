# Derived by make generate from layers/__init__.py. Do not edit.
"""The layers of the stack, one room each; their order is in `stack`."""
