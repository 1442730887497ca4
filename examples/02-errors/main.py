"""Errors say what happened, what became of the call, and whether to try again."""

import asyncio

from admin_api import AdminAPIError, AsyncAdminClient, NotFoundError, RequestOptions, UnprocessableEntityError


def tell(what: str, detail: object = "") -> None:
    print(f"  {what:<34} {detail}")


async def main() -> None:
    async with AsyncAdminClient() as client:
        try:
            await client.users.get("usr_00000000000000000000000000")
        except NotFoundError as error:
            tell(type(error).__name__, f"{error.status} {error.code}, request id {error.request_id}")

        try:
            await client.users.create(username="bob", email="not an address", roles=["emperor"])
        except UnprocessableEntityError as error:
            tell(type(error).__name__, ", ".join(f"{e.pointer}: {e.code}" for e in error.errors))

        # Whatever the error, `outcome` says whether it is safe to go on.
        try:
            await client.users.list(limit=1000).first_page()
        except AdminAPIError as error:
            tell(type(error).__name__, f"outcome {error.outcome}, retryable {error.retryable}")

        # The same key twice is one write: the second answer is the first one, replayed.
        key = RequestOptions(idempotency_key="example-02-carol")
        create = client.users.with_raw_response.create
        first = await create(username="carol", email="carol@example.com", options=key)
        again = await create(username="carol", email="carol@example.com", options=key)
        same = first.data.id == again.data.id
        tell("One key, one write", f"{same}, replayed {again.headers['idempotency-replayed']}")


asyncio.run(main())
