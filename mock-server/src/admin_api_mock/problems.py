"""RFC 9457 problems: the one table of codes, and the exception that carries a refusal from any room to the wire."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, NotRequired, TypedDict

import orjson

from admin_api_mock.http import PROBLEM_JSON, Answer


class Kind(NamedTuple):
    """What a code means, wherever it is raised."""

    status: int
    title: str
    #: The type URI of a problem that a standard defines; all others have one of ours.
    type: str | None = None


_IANA = "https://iana.org/assignments/http-problem-types#"

#: code → status and title: the open enum ProblemCode of the document (a test holds the two together).
KINDS: Mapping[str, Kind] = {
    "invalid_request": Kind(400, "Invalid request"),
    "malformed_json": Kind(400, "Malformed JSON"),
    "idempotency_key_invalid": Kind(400, "Idempotency key invalid"),
    "header_too_large": Kind(431, "Header too large"),
    "invalid_token": Kind(401, "Invalid token"),
    "insufficient_scope": Kind(403, "Insufficient scope"),
    "scope_escalation": Kind(403, "Scope escalation"),
    "forbidden_origin": Kind(403, "Forbidden origin"),
    "forbidden_host": Kind(421, "Forbidden host"),
    "not_found": Kind(404, "Not found"),
    "method_not_allowed": Kind(405, "Method not allowed"),
    "username_taken": Kind(409, "Username taken"),
    "email_taken": Kind(409, "E-mail taken"),
    "external_id_taken": Kind(409, "External id taken"),
    "sso_mapping_taken": Kind(409, "SSO mapping taken"),
    "last_admin": Kind(409, "Last admin"),
    "invalid_state": Kind(409, "Invalid state"),
    "plugin_exists": Kind(409, "Plugin exists"),
    "plugin_in_use": Kind(409, "Plugin in use"),
    "dependency_missing": Kind(409, "Dependency missing"),
    "mismatching_upload_offset": Kind(409, "Mismatching upload offset", _IANA + "mismatching-upload-offset"),
    "superseded_upload": Kind(409, "Superseded upload"),
    "completed_upload": Kind(409, "Completed upload", _IANA + "completed-upload"),
    "already_rotated": Kind(409, "Already rotated"),
    "secret_no_longer_available": Kind(409, "Secret no longer available"),
    "idempotency_in_flight": Kind(409, "Idempotency key in flight"),
    "idempotency_key_reused": Kind(422, "Idempotency key reused"),
    "events_expired": Kind(410, "Events expired"),
    "cursor_expired": Kind(410, "Cursor expired"),
    "resume_point_gone": Kind(410, "Resume point gone"),
    "precondition_failed": Kind(412, "Precondition failed"),
    "object_exists": Kind(412, "Object exists"),
    "payload_too_large": Kind(413, "Payload too large"),
    "unsupported_media_type": Kind(415, "Unsupported media type"),
    "range_not_satisfiable": Kind(416, "Range not satisfiable"),
    "validation_failed": Kind(422, "Validation failed"),
    "cursor_mismatch": Kind(422, "Cursor mismatch"),
    "cursor_invalid": Kind(422, "Cursor invalid"),
    "not_encrypted": Kind(422, "Not encrypted"),
    "digest_mismatch": Kind(422, "Digest mismatch"),
    "inconsistent_upload_length": Kind(422, "Inconsistent upload length", _IANA + "inconsistent-upload-length"),
    "precondition_required": Kind(428, "Precondition required"),
    "rate_limited": Kind(429, "Rate limited"),
    "internal_error": Kind(500, "Internal error"),
    "not_implemented": Kind(501, "Not implemented"),
    "service_unavailable": Kind(503, "Service unavailable"),
}
#: What only the control plane says.
CONTROL_KINDS: Mapping[str, Kind] = {
    "conflict": Kind(409, "Conflict"),
    "wait_timed_out": Kind(408, "Wait timed out"),
}

TYPE_PREFIX = "https://admin-api.example/problems/"
#: A path that may be told as `instance`: a URI reference (RFC 3986, 3.3) of the document's length.
_INSTANCE = re.compile(r"(?=.{0,2000}\Z)(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*")


class FieldError(TypedDict):
    """One member of `errors`: where (an RFC 6901 pointer into the body, or a parameter), which law; never the value."""

    pointer: NotRequired[str]
    parameter: NotRequired[str]
    code: str
    detail: str


class Problem(Exception):
    """A refusal. Raised anywhere, made an answer in one place."""

    def __init__(
        self,
        code: str,
        detail: str | None = None,
        *,
        status: int | None = None,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        """`code` is a key of KINDS or CONTROL_KINDS; `members` are extension members such as `existing_id`."""
        kind = KINDS.get(code) or CONTROL_KINDS[code]
        super().__init__(code)
        self.code = code
        self.status = status or kind.status
        self.title = kind.title
        self.type = kind.type or TYPE_PREFIX + code
        self.detail = detail
        self.errors = list(errors)
        self.headers = dict(headers or {})
        self.members = members

    def content(self, request_id: str, instance: str | None = None) -> dict[str, Any]:
        """The problem document."""
        document: dict[str, Any] = {
            "type": self.type,
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "request_id": request_id,
        }
        if self.detail is not None:
            document["detail"] = self.detail
        if instance is not None and _INSTANCE.fullmatch(instance):
            document["instance"] = instance
        if self.errors:
            document["errors"] = self.errors
        return document | self.members

    def answer(self, request_id: str, instance: str | None = None) -> Answer:
        """The answer on the wire."""
        headers = {"Content-Type": PROBLEM_JSON, **self.headers}
        return Answer(self.status, headers, orjson.dumps(self.content(request_id, instance)))


def invalid(pointer: str, code: str, detail: str) -> Problem:
    """A 422 for one member or parameter."""
    return Problem("validation_failed", detail, errors=[{"pointer": pointer, "code": code, "detail": detail}])


class OAuthProblem(Problem):
    """A refusal of the token endpoint, which speaks RFC 6749 section 5.2 and not RFC 9457."""

    def __init__(
        self, error: str, description: str, *, status: int = 400, headers: Mapping[str, str] | None = None
    ) -> None:
        """`error` is a value of OAuthErrorCode; 401 wants a WWW-Authenticate header.

        `description` has neither `"` nor `\\`, and ASCII only (section 5.2).
        """
        super().__init__("invalid_request", description, status=status, headers=headers)
        self.error = error

    def answer(self, request_id: str, instance: str | None = None) -> Answer:
        """The answer on the wire."""
        return Answer.json(self.status, {"error": self.error, "error_description": self.detail}, self.headers)


def not_implemented(what: str) -> Problem:
    """A declared 501: never a wrong success."""
    return Problem("not_implemented", f"{what} is not implemented by this server yet.")
