"""The seam: what the frame (HTTP, worlds, faults) asks of the API's own logic, at one place and by one name each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from admin_api_mock.context import Context
    from admin_api_mock.http import Answer
    from admin_api_mock.principal import Principal
    from admin_api_mock.problems import Problem
    from admin_api_mock.worlds import World


@dataclass(frozen=True, slots=True)
class Domain:
    """Every call the frame makes. `admin.ADMIN` is the Admin API's; the tests of the frame bring a tiny one."""

    #: Gives a new world its `store`, `inflight`, `ids` and `keys`: empty, or as `settings.data_dir` kept them.
    furnish: Callable[[World], None]
    #: Fills an empty world from a creation body ({seed, users, clients, tokens, plugins, config, events}) and leaves
    #: a kept one (`--data`) as it is;
    #: returns what the creator is told beside id and URLs, e.g. {"users": [ids in the order given]}.
    populate: Callable[[World, Mapping[str, Any]], Mapping[str, Any]]
    #: Bearer token → Principal; raises Problem("invalid_token") with WWW-Authenticate.
    authenticate: Callable[[Context], Principal]
    #: In-flight table → `await ctx.world.faults.hold(ctx)` → the transaction → the answer. Refusals of handlers come
    #: back as answers (they may be stored); a Problem raised here was not stored. Anything else raised is a 500.
    transact: Callable[[Context], Awaitable[Answer]]
    #: Commits the `denied` audit event of a 403 in a transaction of its own; returns its id.
    record_denied: Callable[[Context, Problem], str]
    #: Revokes by {"client_id"} | {"token_id"} | {"all": True}, with {"refresh": True} what could renew them, too;
    #: returns how many it revoked.
    revoke_tokens: Callable[[World, Mapping[str, Any]], int]
    #: {client_id, user?, scopes?} → the token answer a client has after a log-in, with a first refresh token.
    log_in: Callable[[World, Mapping[str, Any]], Mapping[str, Any]]
    #: Signs with a new key; `retire` ends the old ones with all they signed. Returns the ids of the published keys.
    rotate_keys: Callable[[World, bool], Sequence[str]]
    #: The stored ciphertext of an object, or None.
    object_bytes: Callable[[World, str], bytes | None]
    #: Row counts by collection, for `GET /__mock__/worlds/{id}/state`.
    counts: Callable[[World], Mapping[str, int]]
    #: Closes what `furnish` opened; what `--data` keeps stays on disk.
    dismantle: Callable[[World], None]
    #: Dismantles and also removes what is on disk (reset, delete).
    erase: Callable[[World], None]
