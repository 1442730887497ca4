"""Tests of the Admin API's own logic, against the whole server."""
