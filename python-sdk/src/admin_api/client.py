"""The client: options → stack → resources."""

from __future__ import annotations

import json
import logging
import os
import platform
import ssl
import sys
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Self
from urllib.parse import urlsplit

from ._generated.endpoints import TOKEN_PATH
from ._generated.resources import AsyncResources
from .backoff import Budget
from .clock import AsyncClock, AsyncSystemClock
from .errors import ConfigurationError
from .exchange import AsyncLayer
from .grants import AsyncClientCredentials
from .layers.auth import auth
from .layers.logging import attempt_log, call_log, retry_log
from .layers.retry import retry
from .layers.status import status
from .operation import Op, body_of, check_path, decode_error
from .options import OMIT, Limits, Omit, RequestOptions, configure_logging
from .resource import AsyncCaller
from .stack import layers, stack
from .tokens import AsyncFixedToken, AsyncTokenFunction, AsyncTokenSource
from .transport import AsyncTransport
from .version import VERSION

USER_AGENT = f"admin-api-sdk-python/{VERSION} (python {platform.python_version()}; {sys.platform})"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class AsyncAdminClient(AsyncResources):
    """A client of the Admin API. Safe to share between threads and tasks; make one and keep it.

    Whatever is left out comes from the environment, then from the default.

    Args:
        base_url: Where the API is; `ADMIN_API_BASE_URL`. https, or http on loopback.
        token: An access token or personal token, or a function that gives one; `ADMIN_API_TOKEN`.
        client_id: OAuth client, instead of a token; `ADMIN_API_CLIENT_ID`.
        client_secret: Its secret; `ADMIN_API_CLIENT_SECRET`.
        token_url: Token endpoint; by default the one of `base_url`.
        scopes: Scopes to ask for; none asks for all that the client may have.
        timeout: Seconds that one attempt may take (30).
        deadline: Seconds that a call may take with all attempts and waits (no limit).
        max_retries: Attempts that may follow the first (2).
        max_retry_after: Seconds; a longer `Retry-After` fails at once (60).
        token_timeout: Seconds that a call waits for a token (30).
        verify: Path of a CA bundle, a TLS context, or False to verify nothing; `ADMIN_API_CA_BUNDLE`.
        logger: Where records go; by default the logger `admin_api`, shown by `ADMIN_API_LOG=info` or `debug`.
        clock: Time and chance, for tests.
        new_id: Makes idempotency keys (uuid4).
        http_client: Your own httpx client or transport; it keeps its own timeouts and is not closed.
        per_call: Layers round each call, outside of retries.
        per_attempt: Layers round each attempt, inside of auth.

    Raises:
        ConfigurationError: Options that cannot work, or no credentials.
    """

    def __init__(
        self,
        *,
        base_url: str | None = None,
        token: str | Callable[[], str | Awaitable[str]] | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        token_url: str | None = None,
        scopes: Sequence[str] = (),
        timeout: float | Omit = OMIT,
        deadline: float | None = None,
        max_retries: int | Omit = OMIT,
        max_retry_after: float | Omit = OMIT,
        token_timeout: float | Omit = OMIT,
        verify: ssl.SSLContext | str | bool | None = None,
        logger: logging.Logger | None = None,
        clock: AsyncClock | None = None,
        new_id: Callable[[], str] | None = None,
        http_client: object | None = None,
        per_call: Sequence[AsyncLayer] = (),
        per_attempt: Sequence[AsyncLayer] = (),
    ) -> None:
        base = checked_url("base_url", base_url or os.environ.get("ADMIN_API_BASE_URL"))
        token_endpoint = checked_url("token_url", token_url) if token_url else base + TOKEN_PATH
        limits = Limits(deadline=deadline).override(
            timeout=timeout, max_retries=max_retries, max_retry_after=max_retry_after, token_timeout=token_timeout
        )
        self._clock: AsyncClock = clock or AsyncSystemClock()
        self._owned_clock = self._clock if clock is None else None
        log = logger or configure_logging(os.environ.get("ADMIN_API_LOG"))
        trust = verify if verify is not None else os.environ.get("ADMIN_API_CA_BUNDLE") or True
        self._transport = AsyncTransport((base, token_endpoint), trust, http_client)
        on_wire = attempt_log(log)

        def source() -> AsyncTokenSource:
            nonlocal token, client_id, client_secret
            token, client_id, client_secret = credentials(token, client_id, client_secret)
            if isinstance(token, str):
                return AsyncFixedToken(token)
            if token is not None:
                return AsyncTokenFunction(token)
            assert client_id is not None
            assert client_secret is not None
            return AsyncClientCredentials(
                send=on_wire(self._transport.send),  # AUTH-5: attempt log and transport only
                token_url=token_endpoint,
                client_id=client_id,
                client_secret=client_secret,
                scopes=checked_scopes(scopes),
                limits=limits,
                clock=self._clock,
                user_agent=USER_AGENT,
                warn=log.warning,
            )

        ordered = layers(
            call_log=call_log(log),
            per_call=per_call,
            status=status(),
            retry=retry(Budget(), retry_log(log)),
            auth=auth(source()),
            per_attempt=per_attempt,
            attempt_log=on_wire,
        )
        self._caller = AsyncCaller(
            send=stack(ordered, self._transport.send),
            base_url=base,
            limits=limits,
            clock=self._clock,
            new_id=new_id or (lambda: str(uuid.uuid4())),
            user_agent=USER_AGENT,
        )

    def with_options(
        self,
        *,
        timeout: float | Omit = OMIT,
        deadline: float | Omit | None = OMIT,
        max_retries: int | Omit = OMIT,
        max_retry_after: float | Omit = OMIT,
        clock: AsyncClock | None = None,
    ) -> Self:
        """A copy with other limits; it shares connections, tokens and the retry budget with this one."""
        limits = self._caller.limits.override(
            timeout=timeout, deadline=deadline, max_retries=max_retries, max_retry_after=max_retry_after
        )
        other = type(self).__new__(type(self))
        other._clock = clock or self._clock
        other._owned_clock = self._owned_clock
        other._transport = self._transport
        other._caller = self._caller.with_limits(limits, other._clock)
        return other

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        body: object = OMIT,
        options: RequestOptions | None = None,
    ) -> Any:
        """Calls what the document does not know, through the same stack; a mutation carries an idempotency key.

        Args:
            method: The HTTP method.
            path: Appended to `base_url`; begins with `/`.
            query: Query parameters, beside those that `path` holds.
            body: Anything that has a JSON form.

        Returns:
            The JSON of the answer, None if it has none.
        """
        check_path(path)
        if not method.isascii() or not method.isalpha():
            raise ConfigurationError("method must be an HTTP method.", code="invalid_method")
        method = method.upper()
        safe = method in {"GET", "HEAD", "OPTIONS", "TRACE"}
        op: Op[Any] = Op(
            id=f"{method} {path.partition('?')[0]}",
            method=method,
            path=path,
            returns=None,
            idempotent=not safe,
            sensitive=True,
        )
        content = None if body is OMIT else body_of(body)
        response = await self._caller.send(self._caller.prepare(op, query=query, content=content, options=options))
        if not response.body:
            return None
        try:
            return json.loads(response.body)
        except ValueError:  # an answer in another language; the error below says so
            pass
        raise decode_error(response.call, "it is not JSON", response.status, response.headers, response.body)

    async def close(self) -> None:
        """Closes the connections; calls on their way end with `client_closed`. Copies are closed with it."""
        if isinstance(self._owned_clock, AsyncSystemClock):
            self._owned_clock.close()
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def checked_url(name: str, url: str | None) -> str:
    """A base that paths are appended to.

    Raises:
        ConfigurationError: It is missing, is no https URL (http is for loopback), or holds credentials or a query.
    """
    if not url:
        raise ConfigurationError(f"{name} is missing: give it, or set ADMIN_API_BASE_URL.", code="missing_base_url")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    sendable = url.isascii() and url.isprintable() and " " not in url
    more = parts.username is not None or parts.password is not None or parts.query or parts.fragment
    if parts.scheme not in ("https", "http") or not host or not sendable or more:
        raise ConfigurationError(
            f"{name} must be an https URL without credentials, query or fragment.", code="invalid_url"
        )
    if parts.scheme == "http" and host not in LOOPBACK:
        raise ConfigurationError(
            f"{name} must be https: http would show tokens to the network. Only loopback may use it.",
            code="insecure_url",
        )
    return url.rstrip("/")


def checked_scopes(scopes: Sequence[str]) -> tuple[str, ...]:
    """Scopes as the token endpoint takes them (RFC 6749, section 3.3)."""
    if isinstance(scopes, str) or not all(scope and "!" <= min(scope) and max(scope) <= "~" for scope in scopes):
        raise ConfigurationError("scopes must be a list of scopes, such as ['users:read'].", code="invalid_scopes")
    return tuple(scopes)


def credentials(
    token: str | Callable[[], str | Awaitable[str]] | None, client_id: str | None, client_secret: str | None
) -> tuple[str | Callable[[], str | Awaitable[str]] | None, str | None, str | None]:
    """A token or a client with its secret, both from the same place (AUTH-1).

    Raises:
        ConfigurationError: There is none, half of one, or two.
    """
    if token is not None and (client_id is not None or client_secret is not None):
        raise ConfigurationError("Give a token or client credentials, not both.", code="conflicting_credentials")
    if token is None and client_id is None and client_secret is None:
        token = os.environ.get("ADMIN_API_TOKEN") or None
        if token is None:
            client_id = os.environ.get("ADMIN_API_CLIENT_ID") or None
            client_secret = os.environ.get("ADMIN_API_CLIENT_SECRET") or None
    if token is not None:
        return token, None, None
    if client_id is None and client_secret is None:
        raise ConfigurationError(
            "No credentials: give token, or client_id and client_secret; or set ADMIN_API_TOKEN, or "
            "ADMIN_API_CLIENT_ID and ADMIN_API_CLIENT_SECRET.",
            code="missing_credentials",
        )
    if client_id is None or client_secret is None:
        missing = "client_id" if client_id is None else "client_secret"
        raise ConfigurationError(f"{missing} is missing: both come from the same place.", code="missing_credentials")
    return None, client_id, client_secret
