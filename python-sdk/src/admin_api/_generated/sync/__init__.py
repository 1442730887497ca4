# Derived by make generate from the async rooms. Do not edit.
