# Derived by make generate from _generated/resources/roles.py. Do not edit.
"""`client.roles`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....operation import Op, Paging
from ....options import OMIT, Omit, RequestOptions
from ...models import roles as m
from ..resource import Resource

if TYPE_CHECKING:
    from ..pagination import Pager

_LIST: Op[m.Role] = Op(
    id="roles.list",
    method="GET",
    path="/api/v1/roles",
    returns=m.Role,
    scopes=("users:read",),
    page=Paging(cursor="cursor", next_cursor="next_cursor", results="items"),
)


class RolesResource(Resource):
    """The RBAC table."""

    def list(
        self, *, limit: int | Omit = OMIT, cursor: str | Omit = OMIT, options: RequestOptions | None = None
    ) -> Pager[m.Role]:
        """List roles.

        The RBAC table: each role and the scopes it grants.

        Args:
            limit: Items per page, 1 to 500; 50 if left out. Outside of that: 422.
            cursor: A page's `next_cursor`; bound to the filters and the order of the list it came from. 1 to 2000
                characters.
            options: Options of this call alone, such as `timeout`, `max_retries`, `idempotency_key`.

        Raises:
            BadRequestError: 400. The request cannot be parsed.
            AuthenticationError: 401. No valid token.
            PermissionDeniedError: 403. The token lacks a scope.
            GoneError: 410. What the cursor or the id pointed at is no longer kept.
            UnprocessableEntityError: 422. The request was parsed and is not valid.
            RateLimitError: 429. Too many requests.

        Scope: `users:read`.
        """
        return self._pages(_LIST, query={"limit": limit, "cursor": cursor}, options=options)
