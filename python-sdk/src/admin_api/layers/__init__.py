"""The layers of the stack, one room each; their order is in `stack`."""
