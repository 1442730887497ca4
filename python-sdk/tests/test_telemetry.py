"""Telemetry (LOG-2): what OpenTelemetry is told of calls, by its SDK's in-memory exporters, and what it never is."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from opentelemetry import baggage, context, trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from admin_api import AdminAPIError, RequestOptions

from .answers import answer, page, problem, token_answer, user
from .conftest import Wire
from .flavours import BASE, LOST, Chunks, Flavour
from .telemetries import END, SERVER, TEMPLATE, Seen


@pytest.fixture
def seen() -> Iterator[Seen]:
    made = Seen()
    yield made
    made.tracers.shutdown()
    made.meters.shutdown()


def events(span: ReadableSpan) -> list[tuple[str, dict[str, Any]]]:
    return [(event.name, dict(event.attributes or {})) for event in span.events]


async def test_a_call_is_a_client_span(flavour: Flavour, wire: Wire, seen: Seen) -> None:
    """LOG-2: a call is one CLIENT span, named by method and template, with the attributes of the HTTP conventions."""
    wire.answers(page([1], None))
    await flavour.collect(flavour.client(telemetry=seen.telemetry).users.list(limit=5, q="somebody"))
    span = seen.span()
    assert "GET /api/v1/users" == span.name
    assert trace.SpanKind.CLIENT is span.kind
    assert trace.StatusCode.UNSET is span.status.status_code
    assert {
        "http.request.method": "GET",
        **SERVER,
        "url.full": f"{BASE}/api/v1/users?q=REDACTED&limit=5",
        "url.template": "/api/v1/users",
        "http.response.status_code": 200,
        "admin_api.operation": "users.list",
        "admin_api.request_id": "req_1",
    } == dict(span.attributes or {})


async def test_retries_are_events(flavour: Flavour, wire: Wire, seen: Seen) -> None:
    """LOG-2: a retry is an event with attempt, delay and reason, and counted; each attempt is measured."""
    wire.answers(problem(503, "service_unavailable"), LOST, answer())
    client = flavour.client(telemetry=seen.telemetry)
    await flavour.settle(client.users.get("usr_1"))
    span = seen.span()
    assert [
        (
            "admin_api.retry",
            {"admin_api.attempt": 1, "admin_api.delay": 0.5, "http.response.status_code": 503, "error.type": "503"},
        ),
        ("admin_api.retry", {"admin_api.attempt": 2, "admin_api.delay": 1.0, "error.type": "connection_lost"}),
    ] == events(span)
    assert 2 == (span.attributes or {})["http.request.resend_count"]
    metrics = seen.metrics()
    asked = {"http.request.method": "GET", **SERVER, "url.template": TEMPLATE}
    assert [
        ({**asked, "http.response.status_code": 503, "error.type": "503"}, 1),
        ({**asked, "error.type": "connection_lost"}, 1),
        ({**asked, "http.response.status_code": 200}, 1),
    ] == metrics["http.client.request.duration"]
    assert [({"admin_api.operation": "users.get", **SERVER}, 1)] == metrics["admin_api.client.call.duration"]
    assert [1, 1] == [count for _, count in metrics["admin_api.client.retries"]]
    assert [(SERVER, 500 - 14 - 14 + 14)] == metrics["admin_api.client.retry_budget"]


async def test_a_refresh_is_an_event(flavour: Flavour, wire: Wire, seen: Seen) -> None:
    """LOG-2: a token refresh is an event of the call that led it, and counted by grant; the resend after a 401 too."""
    wire.tokens(token_answer("acc3ss-1"), token_answer("acc3ss-2"))
    refused = problem(401, "invalid_token", headers={"www-authenticate": 'Bearer error="invalid_token"'})
    wire.answers(refused, answer())
    client = flavour.client(client_id="demo", client_secret="demo-secret", telemetry=seen.telemetry)
    await flavour.settle(client.users.get("usr_1"))
    span = seen.span()
    refresh = {"admin_api.grant": "client_credentials", "admin_api.duration": 0.0}
    assert [("admin_api.token_refresh", refresh)] * 2 == events(span)
    assert 1 == (span.attributes or {})["http.request.resend_count"]
    assert trace.StatusCode.UNSET is span.status.status_code
    assert [({"admin_api.grant": "client_credentials"}, 2)] == seen.metrics()["admin_api.client.token_refreshes"]
    assert "traceparent" not in wire.token_requests[0].headers  # AUTH-5: attempt log and transport only


async def test_a_failed_refresh_tells_its_code(flavour: Flavour, wire: Wire, seen: Seen) -> None:
    """LOG-2: a refresh that failed tells its code; an attempt that could not begin is not measured."""
    wire.tokens(httpx.Response(400, json={"error": "invalid_client"}))
    client = flavour.client(client_id="demo", client_secret="demo-secret", telemetry=seen.telemetry)
    with pytest.raises(AdminAPIError):
        await flavour.settle(client.users.get("usr_1"))
    ((_, refresh),) = events(seen.span())
    assert "invalid_client" == refresh["error.type"]
    assert "http.client.request.duration" not in seen.metrics()


async def test_scopes_asked_for_outside_of_a_call(flavour: Flavour, wire: Wire, seen: Seen) -> None:
    """LOG-2: a refresh that no call led is counted all the same."""
    wire.tokens(token_answer(scope="users:read"))
    client = flavour.client(client_id="demo", client_secret="demo-secret", telemetry=seen.telemetry)
    assert ("users:read",) == await flavour.settle(client.scopes())
    assert () == seen.spans
    assert [1] == [count for _, count in seen.metrics()["admin_api.client.token_refreshes"]]


@pytest.mark.parametrize(
    "script, kind, code, status",
    [
        (problem(404, "not_found"), "404", "not_found", 404),
        (problem(500, "internal_error"), "500", "internal_error", 500),
        (httpx.Response(302, headers={"location": "https://elsewhere.example/"}), "302", "status_302", 302),
        (LOST, "APIConnectionError", "connection_lost", None),
        (httpx.ReadTimeout("slow"), "APITimeoutError", "timeout", None),
    ],
)
async def test_errors_by_kind(
    flavour: Flavour, wire: Wire, seen: Seen, script: Any, kind: str, code: str, status: int | None
) -> None:
    """LOG-2: a failed call is an ERROR with `error.type`, its status or the class of its error, and its outcome."""
    wire.answers(script)
    with pytest.raises(AdminAPIError) as raised:
        await flavour.settle(flavour.client(telemetry=seen.telemetry, max_retries=0).users.get("usr_1"))
    span = seen.span()
    attributes = dict(span.attributes or {})
    assert (kind, status) == (attributes["error.type"], attributes.get("http.response.status_code"))
    assert raised.value.outcome == attributes["admin_api.outcome"]
    assert (trace.StatusCode.ERROR, raised.value.code) == (span.status.status_code, span.status.description)
    assert code in {raised.value.code, "status_302"}
    assert [kind] == [found["error.type"] for found, _ in seen.metrics()["admin_api.client.call.duration"]]


async def test_what_the_document_does_not_know(flavour: Flavour, wire: Wire, seen: Seen) -> None:
    """LOG-2: names stay few: an unknown path is no template, an unknown method is HTTP."""
    wire.answers(answer(), answer())
    client = flavour.client(telemetry=seen.telemetry)
    await flavour.settle(client.request("GET", "/api/v1/undocumented/usr_1?q=x"))
    await flavour.settle(client.request("FROB", "/api/v1/undocumented"))
    assert ["GET", "HTTP"] == [span.name for span in seen.spans]
    first, second = (dict(span.attributes or {}) for span in seen.spans)
    assert "client.request" == first["admin_api.operation"] == second["admin_api.operation"]
    assert "url.template" not in first
    assert ("_OTHER", "FROB") == (second["http.request.method"], second["http.request.method_original"])
    assert "undocumented" not in repr(seen.metrics())


@pytest.mark.parametrize("how", ["ended", "left", "interrupted"])
async def test_the_span_of_a_stream_ends_with_its_reading(flavour: Flavour, wire: Wire, seen: Seen, how: str) -> None:
    """LOG-2: the span of a stream ends when it is at its end, broke off, or was left, and says which."""
    import json

    line = json.dumps(user()).encode() + b"\n"
    parts = {"ended": [line, END], "left": [line, line, END], "interrupted": [line, LOST]}[how]
    headers = {"content-type": "application/x-ndjson"}
    wire.answers(httpx.Response(200, headers=headers, stream=Chunks(*parts)))
    stream = flavour.client(telemetry=seen.telemetry, max_retries=0).users.export()
    items = aiter(stream) if flavour.is_async else iter(stream)
    await flavour.take(items)
    assert () == seen.spans
    if how == "left":
        await flavour.settle(stream.close())
    elif how == "ended":
        assert [] == await flavour.collect(items)
    else:
        with pytest.raises(AdminAPIError):
            await flavour.take(items)
    span = seen.span()
    assert how == (span.attributes or {})["admin_api.ending"]
    assert (how == "interrupted") is (span.status.status_code is trace.StatusCode.ERROR)
    assert ("interrupted" if how == "interrupted" else None) == (span.attributes or {}).get("error.type")


async def test_a_download_is_one_span_until_it_is_read(flavour: Flavour, wire: Wire, seen: Seen) -> None:
    """LOG-2: the span of a download ends when it was read."""
    import io

    wire.answers(httpx.Response(200, headers={"etag": '"e1"'}, content=b"x" * 10))
    client = flavour.client(telemetry=seen.telemetry)
    await flavour.settle(client.storage.objects.download("obj_1", to=io.BytesIO()))
    assert "ended" == (seen.span().attributes or {})["admin_api.ending"]


async def test_parallel_calls_have_spans_of_their_own(flavour: Flavour, wire: Wire, seen: Seen) -> None:
    """LOG-2: calls side by side do not share a span, and each has the parent that was current where it was made."""
    wire.answers(*(answer(200, user(number)) for number in range(8)))
    client = flavour.client(telemetry=seen.telemetry)
    tracer = trace.get_tracer("test", tracer_provider=seen.tracers)

    async def one(number: int) -> None:
        with tracer.start_as_current_span(f"parent-{number}"):
            await flavour.settle(client.users.get(f"usr_{number}"))

    if flavour.is_async:
        await asyncio.gather(*(one(number) for number in range(8)))
    else:
        threads = [threading.Thread(target=lambda n=number: asyncio.run(one(n))) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    calls = [span for span in seen.spans if span.kind is trace.SpanKind.CLIENT]
    parents = {span.context.span_id: span.name for span in seen.spans if span.name.startswith("parent")}
    assert 8 == len({span.context.span_id for span in calls})
    for span in calls:
        assert span.parent is not None
        number = str((span.attributes or {})["url.full"])[-1]
        assert f"parent-{number}" == parents[span.parent.span_id]


async def test_the_context_goes_over_the_wire(flavour: Flavour, wire: Wire, seen: Seen) -> None:
    """LOG-2: each attempt carries the call's traceparent, and baggage; layers of the user's own run within the span."""
    wire.answers(problem(503, "service_unavailable"), answer())
    current: list[int] = []

    def layer(send: Any) -> Any:
        def noted(request: Any) -> Any:
            current.append(trace.get_current_span().get_span_context().span_id)
            return send(request)

        return noted

    token = context.attach(baggage.set_baggage("tenant", "blue"))
    try:
        client = flavour.client(telemetry=seen.telemetry, per_call=[layer], per_attempt=[layer])
        await flavour.settle(client.users.get("usr_1"))
    finally:
        context.detach(token)
    span = seen.span()
    sent = f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-"
    assert [sent, sent] == [request.headers["traceparent"][:-2] for request in wire.requests]
    assert ["tenant=blue"] * 2 == [request.headers["baggage"] for request in wire.requests]
    assert [span.context.span_id] * 3 == current
    assert not trace.get_current_span().get_span_context().is_valid


async def test_headers_of_the_users_own_stay(flavour: Flavour, wire: Wire, seen: Seen) -> None:
    """LOG-2: what the user set in `headers` is never overwritten; a foreign traceparent gets no tracestate of ours."""
    wire.answers(answer())
    state = trace.TraceState([("ours", "1")])
    parent = trace.SpanContext(1, 2, is_remote=False, trace_flags=trace.TraceFlags(1), trace_state=state)
    token = context.attach(trace.set_span_in_context(trace.NonRecordingSpan(parent)))
    own = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    try:
        options = RequestOptions(headers={"Traceparent": own})
        await flavour.settle(flavour.client(telemetry=seen.telemetry).users.get("usr_1", options=options))
    finally:
        context.detach(token)
    assert own == wire.requests[0].headers["traceparent"]
    assert "tracestate" not in wire.requests[0].headers


async def test_an_unsampled_span_is_only_passed_on(flavour: Flavour, wire: Wire) -> None:
    """LOG-2: a span that is not recorded is still sent on, as not sampled, and metrics are still taken."""
    seen = Seen(sampler=ALWAYS_OFF)
    wire.answers(problem(503, "service_unavailable"), answer())
    await flavour.settle(flavour.client(telemetry=seen.telemetry).users.get("usr_1"))
    assert () == seen.spans
    assert 0 == int(wire.requests[0].headers["traceparent"][-2:], 16) & trace.TraceFlags.SAMPLED
    assert 2 == sum(count for _, count in seen.metrics()["http.client.request.duration"])


async def test_a_cancelled_call(wire: Wire, seen: Seen) -> None:
    """LOG-2: a call that is cancelled is an ERROR `cancelled`, and so is its attempt."""
    started = asyncio.Event()

    class Waiting:
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            started.set()
            await asyncio.Event().wait()
            raise AssertionError("nobody sets it")

    client = Flavour("async").client(telemetry=seen.telemetry, http_client=Waiting())
    task = asyncio.ensure_future(client.users.get("usr_1"))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    span = seen.span()
    assert "cancelled" == (span.attributes or {})["error.type"]
    assert trace.StatusCode.ERROR is span.status.status_code
    assert ["cancelled"] == [found["error.type"] for found, _ in seen.metrics()["http.client.request.duration"]]


async def test_no_secret_is_told(flavour: Flavour, wire: Wire, seen: Seen) -> None:
    """LOG-2, AUTH-9: no token, client secret, body, header or query value is in any span, event or metric."""
    wire.tokens(problem(503, "service_unavailable", detail="hunter2"), token_answer("acc3ss", refresh_token="r3fresh"))
    wire.answers(
        problem(422, "validation_failed", detail="hunter2", title="hunter2"),
        httpx.Response(502, headers={"set-cookie": "s3ssion"}, content=b"<html>hunter2"),
        answer(),
        page([1], None),
    )
    client = flavour.client(client_id="demo", client_secret="d3mo-secret", telemetry=seen.telemetry)
    given: dict[str, Any] = {"username": "alice", "email": "al1ce@example.com", "metadata": {"password": "hunter2"}}
    with pytest.raises(AdminAPIError):
        await flavour.settle(client.users.create(**given))
    options = RequestOptions(headers={"X-Session": "s3ssion"})
    await flavour.settle(client.users.create(**given, options=options))
    await flavour.collect(client.users.list(email="al1ce@example.com", q="hunter2", role="admin"))
    text = seen.text()
    secrets = ("d3mo-secret", "acc3ss", "r3fresh", "hunter2", "al1ce", "s3ssion", "Bearer", "Basic")
    assert [] == [secret for secret in secrets if secret in text]
    assert "role=admin" in text
    assert "admin_api.token_refresh" in text
