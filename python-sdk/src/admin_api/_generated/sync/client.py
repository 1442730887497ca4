# Derived by make generate from client.py. Do not edit.
"""The client: options → stack → resources."""

from __future__ import annotations

import json
import logging
import os
import platform
import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeAlias
from urllib.parse import urlsplit

from ..._flavour import sync as flavour
from ...backoff import Budget
from ...credentials import check_choices, checked_scopes, credentials, secret
from ...errors import ConfigurationError
from ...exchange import Layer, Secret
from ...operation import Op, body_of, check_path, decode_error
from ...options import OMIT, Limits, Omit, RequestOptions, checked_logger
from ...proxies import LOOPBACK
from ...version import VERSION
from ..endpoints import TOKEN_PATH
from .clock import Clock, SystemClock
from .layers.auth import auth
from .layers.logging import attempt_log, call_log, retry_log, warn_log
from .layers.retry import retry
from .layers.status import status
from .resource import Caller
from .resources import Resources
from .stack import layers, stack
from .tokens import FixedToken, TokenFunction, TokenSource
from .transport import Transport, Verify

if TYPE_CHECKING:
    from ...endpoint import ClientAuth
    from ...store import TokenStore
    from ...telemetry import Telemetry

USER_AGENT = f"admin-api-sdk-python/{VERSION} (python {platform.python_version()}; {sys.platform})"
TokenCallback: TypeAlias = Callable[[], str]


class AdminClient(Resources):
    """A client of the Admin API. Safe to share between threads and tasks; make one and keep it.

    Whatever is left out comes from the environment, then from the default.

    Args:
        base_url: Where the API is; `ADMIN_API_BASE_URL`. https, or http on loopback.
        token: An access token or personal token, or a function that gives one; `ADMIN_API_TOKEN`.
        client_id: OAuth client, instead of a token; `ADMIN_API_CLIENT_ID`.
        client_secret: Its secret; `ADMIN_API_CLIENT_SECRET`.
        client_auth: Where the secret goes: `basic`, the Authorization header, or `post`, the form.
        refresh_token: What a log-in gave, with its `client_id`; the secret only if the client has one.
        token_store: Where tokens are kept, such as `FileTokenStore`; by default in memory.
        token_url: Token endpoint; by default the one of `base_url`.
        scopes: Scopes to ask for; none asks for all that the client may have.
        timeout: Seconds that one attempt may take (30).
        deadline: Seconds that a call may take with all attempts and waits (no limit).
        max_retries: Attempts that may follow the first (2).
        max_retry_after: Seconds; a longer `Retry-After` fails at once (60).
        token_timeout: Seconds that a call waits for a token (30).
        preflight: Raise InsufficientScopeError before a call is sent that the token cannot make (False).
        verify: Path of a CA bundle, a TLS context, or False to verify nothing; `ADMIN_API_CA_BUNDLE`, `SSL_CERT_FILE`.
        logger: Where records go; by default the logger `admin_api`, shown by `ADMIN_API_LOG=info` or `debug`.
        telemetry: Who measures calls, such as `admin_api.opentelemetry.OpenTelemetry()`; nobody by default.
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
        token: str | Callable[[], str] | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        client_auth: ClientAuth = "basic",
        refresh_token: str | None = None,
        token_store: TokenStore | None = None,
        token_url: str | None = None,
        scopes: Sequence[str] = (),
        timeout: float | Omit = OMIT,
        deadline: float | None = None,
        max_retries: int | Omit = OMIT,
        max_retry_after: float | Omit = OMIT,
        token_timeout: float | Omit = OMIT,
        preflight: bool = False,
        verify: Verify | None = None,
        logger: logging.Logger | None = None,
        telemetry: Telemetry | None = None,
        clock: Clock | None = None,
        new_id: Callable[[], str] | None = None,
        http_client: object | None = None,
        per_call: Sequence[Layer] = (),
        per_attempt: Sequence[Layer] = (),
    ) -> None:
        given_token = Secret(token) if isinstance(token, str) else token
        given_secret, first_refresh_token = secret(client_secret), secret(refresh_token)
        del token, client_secret, refresh_token  # an error raised from here on shows them in no frame (AUTH-9)
        base = checked_url("base_url", base_url or os.environ.get("ADMIN_API_BASE_URL"))
        token_endpoint = checked_url("token_url", token_url) if token_url else base + TOKEN_PATH
        limits = Limits(deadline=deadline).override(
            timeout=timeout, max_retries=max_retries, max_retry_after=max_retry_after, token_timeout=token_timeout
        )
        self._clock: Clock = clock or SystemClock()
        self._owned_clock = self._clock if clock is None else None
        log = checked_logger(logger, os.environ.get("ADMIN_API_LOG"))
        self._transport = Transport((base, token_endpoint), verify, http_client)
        if verify is False:
            warn_log(log)("verify=False: no certificate is verified, so anyone on the way can read tokens and answers")
        on_wire = attempt_log(log)
        budget = Budget()
        asking: list[Layer] = []
        if telemetry is not None:
            from .layers.telemetry import Watch  # for those who measure

            watch = Watch(telemetry, base, budget, warn_log(log))
            per_call, per_attempt = [watch.per_call(), *per_call], [*per_attempt, watch.per_attempt()]
            asking = [watch.asking()]

        def source() -> TokenSource:
            chosen = credentials(given_token, client_id, given_secret, first_refresh_token)
            check_choices(client_auth, token_store)
            if isinstance(chosen, Secret):
                return FixedToken(chosen)
            if callable(chosen):
                return TokenFunction(chosen)
            from ...endpoint import Endpoint  # grants are for those who use them
            from .grants import ClientCredentials, RefreshToken

            return (ClientCredentials if chosen.refresh_token is None else RefreshToken)(
                send=on_wire(self._transport.send),  # AUTH-5: attempt log and transport only
                endpoint=Endpoint(token_endpoint, chosen.id, chosen.secret, client_auth, USER_AGENT),
                scopes=checked_scopes(scopes),
                limits=limits,
                clock=self._clock,
                warn=warn_log(log),
                refresh_token=chosen.refresh_token,
                store=token_store,
            )

        self._source = source()
        ordered = layers(
            call_log=call_log(log),
            per_call=per_call,
            status=status(),
            retry=retry(budget, retry_log(log)),
            auth=auth(self._source, preflight=preflight),
            per_attempt=per_attempt,
            attempt_log=on_wire,
        )
        self._asking = [*asking, *ordered[len(per_call) + 1 : len(per_call) + 4]]  # status, retry, auth
        self._caller = Caller(
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
        clock: Clock | None = None,
    ) -> Self:
        """A copy with other limits; it shares connections, tokens and the retry budget with this one."""
        limits = self._caller.limits.override(
            timeout=timeout, deadline=deadline, max_retries=max_retries, max_retry_after=max_retry_after
        )
        other = type(self).__new__(type(self))
        other.__dict__.update((name, value) for name, value in vars(self).items() if name not in vars(Resources))
        other._clock = clock or self._clock
        other._caller = self._caller.with_limits(limits, other._clock)
        return other

    def request(
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
        if not method.isascii() or not method.isalpha() or method.upper() == "CONNECT":  # a tunnel is no request
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
        request = self._caller.prepare(op, query=query, content=content, options=options)
        request.call.template = None
        response = self._caller.send(request)
        if not response.body:
            return None
        try:
            return json.loads(response.body)
        except (ValueError, RecursionError):  # an answer in another language, or brackets without end; said below
            pass
        raise decode_error(response, "it is not JSON", response.body)

    def scopes(self) -> tuple[str, ...]:
        """What the token may do, in order: as the token endpoint said, else as `me.get` says, asked once per token."""
        from .scopes import granted

        return tuple(sorted(granted(self._caller, self.me, self._asking)))

    def can(self, operation: str) -> bool:
        """Whether the token has the scopes that an operation needs, such as `users.create`.

        Raises:
            ConfigurationError: The document has no such operation.
        """
        from .scopes import granted, needed

        return needed(operation) <= granted(self._caller, self.me, self._asking)

    def close(self, *, revoke: bool = False) -> None:
        """Closes the connections; calls on their way end with `client_closed`. Copies are closed with it.

        Args:
            revoke: Before that, end the tokens that this client got from the token endpoint, within `token_timeout`.
                What cannot be ended is a warning.
        """
        if revoke:
            self._source.revoke()
        if isinstance(self._owned_clock, SystemClock):
            self._owned_clock.close()
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def warm_up(self) -> None:
        """Does ahead what first calls would wait for, and sends nothing: loads models and libraries, and trust."""
        from ...warming import warm

        flavour.in_thread(lambda: warm(self, Resources))
        flavour.in_thread(self._transport.warm_up)

    def __repr__(self) -> str:
        made = getattr(self, "_caller", None)  # in a traceback of the constructor it is not made yet
        return f"<{type(self).__name__}>" if made is None else f"<{type(self).__name__} of {made.base_url}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} is not copied or pickled: use with_options(), or make one where it is used."
        )


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
            f"{name} must be https, or http on loopback.",
            code="insecure_url",
        )
    return url.rstrip("/")
