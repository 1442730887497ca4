"""What Schemathesis loads: the requests' help, the laws, and what its own oracle cannot know."""

from __future__ import annotations

import json
from collections.abc import Mapping

import schemathesis
from schemathesis.core.failures import Failure

from admin_api_mock.http import EVENT_STREAM
from fuzz import laws, requests_made

__all__ = ["laws", "requests_made"]

#: Refusals of requests that satisfy every schema, for the state or the meaning of what they name: code → why.
OF_STATE: Mapping[str, str] = {
    "cursor_invalid": "a cursor is opaque and cannot be made up",
    "cursor_mismatch": "a cursor is bound to its filters",
    "resume_point_gone": "the id to go on behind is made up",
    "events_expired": "the event to go on behind is made up",
    "precondition_failed": "the tag is not current",
    "precondition_required": "which condition is needed depends on what is there",
    "object_exists": "the name is taken",
    "range_not_satisfiable": "the range lies behind the end",
    "payload_too_large": "an object's size is limited as a whole, not its parts' lengths alone",
    "not_encrypted": "a body's first line has to be age's",
    "digest_mismatch": "the digest is not of this body",
    "inconsistent_upload_length": "the lengths of an upload's parts belong together",
    # What a 422 tells of a member.
    "unknown_role": "roles are data",
    "unknown_scope": "scopes are data",
    "unknown_object": "objects are data",
    "unknown_provider": "providers are configuration",
    "unknown_version": "versions are data",
    "no_value": "the version is a deletion",
    "schema_violation": "an entry has a schema of its own",
    "invalid_schema": "not every object is a JSON Schema",
    "invalid_range": "a range of versions has a grammar of its own",
    "in_the_past": "a token ends in the future",
    "too_many": "the limit is that of the merged object",
    "too_deep": "how deep a value is nested no schema can say",
}
#: RFC 6749 and 7009: who may have which grant is no matter of shapes; nor can a schema say that nothing is repeated,
#: or that a client authenticates in one way only.
OAUTH_ERRORS = frozenset({"invalid_client", "invalid_grant", "invalid_scope", "unsupported_grant_type"})
OAUTH_REQUESTS = frozenset(
    {
        "A form parameter is repeated (RFC 6749 section 3.2).",
        "A client authenticates in one way only.",
        "refresh_token is missing.",
    }
)


@schemathesis.hook
def filter_failure(
    context: schemathesis.HookContext,
    failure: Failure,
    case: schemathesis.Case,
    response: schemathesis.Response,
) -> bool:
    """Keeps what is a failure. Whatever is dropped here is on one of the lists."""
    kind = type(failure).__name__
    if kind == "RejectedPositiveData":
        return not _of_state(case, response)
    if kind == "JsonSchemaError" and response.headers.get("content-type") == [EVENT_STREAM]:
        # The document's schema is that of the data (x-streaming), not of the event around it: laws.lines_are_items.
        return False
    if kind == "UseAfterFree":
        # Users are deleted softly and tokens revoked: both are shown on, as what they are now.
        return json.loads(response.content).get("status") not in ("deleted", "revoked")
    if kind == "AcceptedNegativeData":
        # RFC 9110, 5.1: header fields that are not known are ignored. RFC 6749, 3.2: a parameter without a value, too.
        unknown_field = "x-schemathesis-unknown-property" in (response.request.headers or {})
        is_form = case.media_type == "application/x-www-form-urlencoded" and isinstance(case.body, dict)
        return not unknown_field and not (is_form and "" in case.body.values())
    return True


def _of_state(case: schemathesis.Case, response: schemathesis.Response) -> bool:
    told = json.loads(response.content)
    if told.get("error") in OAUTH_ERRORS or told.get("error_description") in OAUTH_REQUESTS:
        return True
    errors = told.get("errors", ())
    if case.operation.definition.raw["operationId"] == "config.set" and errors:
        # Each entry has a schema of its own; the document's takes any value.
        return all(error.get("pointer", "").startswith("/value") or error["code"] in OF_STATE for error in errors)
    codes = [error["code"] for error in errors] or [told.get("code")]
    return all(code in OF_STATE for code in codes) or told.get("code") in OF_STATE
