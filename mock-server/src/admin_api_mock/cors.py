"""Pages of other origins: `--cors ORIGIN` lets them call the API and read what the document promises (WHATWG Fetch,
section 3.3, "CORS protocol"). The control plane is never for pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from admin_api_mock.http import Answer, Request

if TYPE_CHECKING:
    from admin_api_mock.document import Document

#: What a request may carry beside the document's header parameters: credentials, a body, and whose trace it is in.
_REQUEST_HEADERS = ("authorization", "content-type", "traceparent", "tracestate", "x-request-id")
#: What an answer may carry beside the document's response headers; Date is what Retry-After is measured from (RETRY-5).
_ANSWER_HEADERS = ("Allow", "Date", "Deprecation", "Sunset")
_CONTROL = "/__mock__"
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Cors:
    """The origins that may call, and the headers that tell browsers so."""

    def __init__(self, document: Document, origins: Iterable[str]) -> None:
        self._origins = frozenset(origins)
        operations = document.operations.values()
        taken = {
            parameter.name for each in operations for parameter in each.parameters if parameter.location == "header"
        }
        given = {name for each in operations for response in each.responses.values() for name in response.headers}
        self._preflight = {
            "Access-Control-Allow-Methods": ", ".join(sorted({each.method for each in operations})),
            "Access-Control-Allow-Headers": ", ".join(sorted(taken.union(_REQUEST_HEADERS))),
            "Access-Control-Max-Age": "600",
        }
        self._expose = {"Access-Control-Expose-Headers": ", ".join(sorted(given.union(_ANSWER_HEADERS)))}

    def allows(self, request: Request) -> bool:
        """True for a page of an origin that was named, unless it is after the control plane."""
        return request.headers.get("origin") in self._origins and not request.raw_path.startswith(_CONTROL)

    def preflight(self, request: Request) -> Answer | None:
        """The answer to a browser's question whether a page may send this; None if it is no such question."""
        if request.method != "OPTIONS" or "access-control-request-method" not in request.headers:
            return None
        return Answer(204, dict(self._preflight)) if self.allows(request) else None

    def headers(self, request: Request) -> Mapping[str, str]:
        """What is added to every answer: to a page that may read it, and to caches, which must keep origins apart."""
        if not self.allows(request):
            return {"Vary": "Origin"}
        return {"Vary": "Origin", "Access-Control-Allow-Origin": request.headers["origin"], **self._expose}


def origin(text: str) -> str:
    """An origin as browsers write it (RFC 6454 section 6.2). Raises ValueError for anything else, `*` and `null` too:
    the server's token is known to everybody, so every page that may call is to be named."""
    parts = urlsplit(text)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or "@" in parts.netloc:
        raise ValueError(text)
    if parts.path or parts.query or parts.fragment or text.endswith(("?", "#")):
        raise ValueError(text)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = "" if parts.port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"
