"""Pages and streams: what `x-pagination` and `x-streaming` name has to exist in the request and in the answer."""

from __future__ import annotations

from collections.abc import Iterator

from ..document import Document, Node, Place, component_name, mapping
from ..findings import Finding

_CURSOR, _NEXT, _RESULTS = "$request.", "$response.", "$response."
_MEDIA = {"ndjson": "application/x-ndjson", "sse": "text/event-stream"}


def lint_streams(document: Document, place: Place) -> Iterator[Finding]:
    """Findings in the vendor keys that turn an answer into a sequence, and sequences without their key."""
    if "x-pagination" in place.operation and "x-streaming" in place.operation:
        yield Finding(place.pointer, "an answer is paged or streamed, not both")
    media_types = {media for media, _ in success(document, place)}
    if "x-pagination" in place.operation:
        yield from _pagination(document, place)
    if "x-streaming" in place.operation:
        yield from _streaming(document, place, media_types)
    elif streamed := media_types & set(_MEDIA.values()):
        yield Finding(place.pointer, f"{min(streamed)!r} needs x-streaming")


def success(document: Document, place: Place) -> list[tuple[str, object]]:
    """(media type, schema) of the 2xx responses that have content."""
    found: list[tuple[str, object]] = []
    for status, value in mapping(place.operation.get("responses")).items():
        if status.startswith("2"):
            content = mapping(document.resolve(value).get("content"))
            found.extend((media, mapping(node).get("schema")) for media, node in content.items())
    return found


def _query(document: Document, place: Place) -> set[object]:
    return {node.get("name") for node, _ in document.parameters(place) if node.get("in") == "query"}


def _pagination(document: Document, place: Place) -> Iterator[Finding]:
    where = place.pointer + "/x-pagination"
    node = mapping(place.operation["x-pagination"])
    if set(node) != {"cursor", "next_cursor", "results"}:
        yield Finding(where, "x-pagination is {cursor: $request.…, next_cursor: $response.…, results: $response.…}")
        return
    if str(node["cursor"]).removeprefix(_CURSOR) not in _query(document, place):
        yield Finding(where + "/cursor", f"{node['cursor']!r} is no query parameter")
    schemas = success(document, place)
    members: Node = mapping(document.resolve(schemas[0][1] if schemas else None).get("properties"))
    for key, prefix in (("next_cursor", _NEXT), ("results", _RESULTS)):
        if str(node[key]).removeprefix(prefix) not in members:
            yield Finding(where + f"/{key}", f"{node[key]!r} is no member of the answer")
    items: Node = document.resolve(members.get(str(node["results"]).removeprefix(_RESULTS)))
    if members and component_name(items.get("items")) is None:
        yield Finding(where + "/results", "the items have to be a named model")


def _streaming(document: Document, place: Place, media_types: set[str]) -> Iterator[Finding]:
    where = place.pointer + "/x-streaming"
    node = mapping(place.operation["x-streaming"])
    wanted = {"ndjson": {"format", "terminator", "resume"}, "sse": {"format"}}.get(str(node.get("format")))
    if wanted is None or set(node) != wanted:
        yield Finding(where, "x-streaming is {format: ndjson, terminator: …, resume: …} or {format: sse}")
        return
    if media_types != {_MEDIA[str(node["format"])]}:
        yield Finding(where + "/format", f"the answer has to be {_MEDIA[str(node['format'])]!r}")
    if "resume" in node and node["resume"] not in _query(document, place):
        yield Finding(where + "/resume", f"{node['resume']!r} is no query parameter")
