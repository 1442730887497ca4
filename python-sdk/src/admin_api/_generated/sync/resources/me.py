# Derived by make generate from _generated/resources/me.py. Do not edit.
"""`client.me`."""

from __future__ import annotations

from functools import cached_property

from ....operation import Op
from ....options import RequestOptions
from ...models import me as m
from ..resource import Resource, as_raw

_GET: Op[m.Me] = Op(id="me.get", method="GET", path="/api/v1/me", returns=m.Me)


class MeResource(Resource):
    """The caller."""

    def get(self, *, options: RequestOptions | None = None) -> m.Me:
        """Who am I.

        The caller and its scopes; any token will do.

        Args:
            options: Options of this call alone, such as `timeout`, `max_retries`, `idempotency_key`.

        Raises:
            BadRequestError: 400. The request cannot be parsed.
            AuthenticationError: 401. No valid token.
            PermissionDeniedError: 403. The token lacks a scope.
            UnprocessableEntityError: 422. The request was parsed and is not valid.
            RateLimitError: 429. Too many requests.

        Any token will do.
        """
        return self._call(_GET, options=options)

    @cached_property
    def with_raw_response(self) -> MeRaw:
        """The same calls, answering `RawResponse`."""
        return MeRaw(MeResource(self._raw()))


class MeRaw:
    """The same calls, answering `RawResponse`: data, headers, status, request id, audit event id, attempts, key."""

    def __init__(self, resource: MeResource) -> None:
        self.get = as_raw(resource.get)
