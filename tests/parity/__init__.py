"""What parity is about: the facts of each SDK, and the differences that are allowed."""
