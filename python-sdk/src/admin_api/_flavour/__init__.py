"""What cannot be derived: the same names for asyncio (`aio`) and for threads (`sync`), the only hand-written twins."""
