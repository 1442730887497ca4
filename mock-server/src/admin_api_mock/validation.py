"""Requests and our own answers against the document's schemas, compiled by jsonschema-rs when first needed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from urllib.parse import parse_qsl

import orjson
from jsonschema_rs import Draft202012Validator, Registry

from admin_api_mock.document import Document, MediaType, Node, Operation, Parameter
from admin_api_mock.problems import FieldError, OAuthProblem, Problem, invalid
from admin_api_mock.violations import MAX_ERRORS, errors_of, parameter_error

if TYPE_CHECKING:
    from admin_api_mock.http import Request

Direction: TypeAlias = Literal["request", "answer"]
#: Which members are not part of which direction (OpenAPI 3.1: readOnly, writeOnly), and need not be there.
_FOREIGN: Mapping[Direction, str] = {"request": "readOnly", "answer": "writeOnly"}
FORM = "application/x-www-form-urlencoded"
#: A malformed value is as good as one that nobody issued (RFC 6749 section 5.2).
_FORM_ERRORS: Mapping[str, str] = {"scope": "invalid_scope", "refresh_token": "invalid_grant"}
#: Tokens and secrets are small.
MAX_FORM_BYTES = 64 * 1024
#: Checked by the idempotency room, for which a malformed key is a 400 and not a 422 (RULES SERVER).
_OWN_CHECK = frozenset({"idempotency-key"})
#: The integers that a format stands for (OpenAPI 3.1, 4.4): from minus this on, and up to just below it.
_BOUNDS: Mapping[str, int] = {"int32": 2**31, "int64": 2**63}
#: What is nested deeper than the encoder of our own answers goes could be kept and never shown again.
MAX_DEPTH = 128
#: Answers remembered as valid: how many, and up to which size.
_REMEMBERED_ANSWERS, _REMEMBERED_BYTES = 512, 65_536

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


class OwnAnswerInvalid(Exception):
    """This server was about to send what its document does not allow: a bug, so a 500 and nothing kept."""


class Validation:
    """All validators of one document."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._validators: dict[tuple[Direction, str], Draft202012Validator] = {}
        self._parameters: dict[str, _ParameterCheck] = {}
        self._integers: dict[str, tuple[str, ...]] = {}
        self._found_valid: set[tuple[str, int, bytes]] = set()

    def parameters(
        self, operation: Operation, path: Mapping[str, str], request: Request
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Coerced query values and header values. 422 with every fault found; a path value outside its schema: 404."""
        check = self._parameters.get(operation.id)
        if check is None:
            check = self._parameters[operation.id] = _ParameterCheck(self._document, operation, self._compile)
        return check(path, request)

    def body(self, operation: Operation, request: Request) -> Any:
        """The parsed body of a JSON or form request; None for a binary body or none. 400, 415 or 422."""
        if not operation.body:
            return None
        if not request.body and not operation.body_required:
            return None
        media = operation.body.get(request.media_type or "")
        if media is None:
            accepted = ", ".join(operation.body)
            header = {"POST": "Accept-Post", "PATCH": "Accept-Patch"}.get(operation.method, "Accept")
            raise Problem("unsupported_media_type", f"This operation takes {accepted}.", headers={header: accepted})
        if media.name == FORM:
            return self._form(media, request)
        if not media.is_json:
            return None
        try:
            content = orjson.loads(request.body)
        except orjson.JSONDecodeError as error:
            raise Problem(
                "malformed_json", f"The body is not JSON: line {error.lineno}, column {error.colno}."
            ) from None
        if request.body.count(b"[") + request.body.count(b"{") > MAX_DEPTH and _depth(content) > MAX_DEPTH:
            raise invalid("", "too_deep", f"It may be nested {MAX_DEPTH} deep.")
        if media.pointer is not None:
            self.check("request", media.pointer, content)
            self._as_integers(media, content)
        return content

    def check(self, direction: Direction, pointer: str, content: Any) -> None:
        """A 422 with `errors[]` unless `content` is valid against the schema at `pointer`."""
        validator = self.validator(direction, pointer)
        if not validator.is_valid(content):
            errors = errors_of(validator, content)
            raise Problem("validation_failed", _summary(errors), errors=errors)

    def check_answer(self, operation: Operation, status: int, content: Any) -> None:
        """OwnAnswerInvalid unless the document allows `content` as JSON under `status` of `operation`."""
        response = operation.responses.get(str(status)) or operation.responses.get("default")
        if response is None:
            raise OwnAnswerInvalid(f"{operation.id}: {status} is not in the document")
        media = next((media for media in response.content.values() if media.is_json), None)
        if media is None or media.pointer is None:
            raise OwnAnswerInvalid(f"{operation.id}: {status} has no JSON body in the document")
        self.check_own(f"{operation.id} {status}", media.pointer, content)

    def check_answer_body(self, operation: Operation, status: int, body: bytes) -> None:
        """check_answer of encoded JSON. What has been found valid stays so: nothing but these bytes decides it."""
        key = (operation.id, status, body)
        if key in self._found_valid:
            return
        self.check_answer(operation, status, orjson.loads(body))
        if len(body) <= _REMEMBERED_BYTES:
            if len(self._found_valid) >= _REMEMBERED_ANSWERS:
                self._found_valid.clear()
            self._found_valid.add(key)

    def check_own(self, what: str, pointer: str, content: Any) -> None:
        """OwnAnswerInvalid unless `content` (an answer, a line, an event) is valid against the schema at `pointer`."""
        validator = self.validator("answer", pointer)
        if not validator.is_valid(content):
            raise OwnAnswerInvalid(f"{what}: {errors_of(validator, content)}")

    def validator(self, direction: Direction, pointer: str) -> Draft202012Validator:
        """The compiled schema at `pointer`, for one direction."""
        key = (direction, pointer)
        found = self._validators.get(key)
        if found is None:
            found = self._validators[key] = self._compile({"$ref": f"urn:document#{_fragment(pointer)}"}, direction)
        return found

    def _compile(self, schema: dict[str, Any], direction: Direction) -> Draft202012Validator:
        registry = self._request_registry if direction == "request" else self._answer_registry
        return Draft202012Validator(schema, registry=registry, validate_formats=True)

    @cached_property
    def _request_registry(self) -> Registry:
        return Registry([("urn:document", _directed(self._document.raw, _FOREIGN["request"]))])

    @cached_property
    def _answer_registry(self) -> Registry:
        return Registry([("urn:document", _directed(self._document.raw, _FOREIGN["answer"]))])

    def _as_integers(self, media: MediaType, content: Any) -> None:
        """`60.0` is an integer (JSON Schema 2020-12, 4.2.3): handlers get it as one. Of the body's own members only."""
        assert media.pointer is not None, "what has been checked has a schema"
        names = self._integers.get(media.pointer)
        if names is None:
            properties = self._document.schema(media.schema).get("properties", {}).items()
            kinds = [(name, self._document.schema(schema).get("type")) for name, schema in properties]
            names = tuple(name for name, kind in kinds if kind is not None and "integer" in kind)
            self._integers[media.pointer] = names
        for name in names:
            if isinstance(content.get(name), float):
                content[name] = int(content[name])

    def _form(self, media: MediaType, request: Request) -> dict[str, str]:
        """A form that the document allows; how a wrong one is told is the token endpoint's (RFC 6749 section 5.2)."""
        if len(request.body) > MAX_FORM_BYTES:
            raise Problem("payload_too_large", f"A form may have {MAX_FORM_BYTES} bytes.")
        try:
            pairs = parse_qsl(request.body.decode("utf-8"), keep_blank_values=True, strict_parsing=bool(request.body))
        except ValueError:
            raise OAuthProblem("invalid_request", "The form is malformed.") from None
        form = dict(pairs)
        if len(form) != len(pairs):
            raise OAuthProblem("invalid_request", "A form parameter is repeated (RFC 6749 section 3.2).")
        given = {name: value for name, value in form.items() if value}  # Without a value it counts as left out (3.2).
        if media.pointer is not None and (errors := errors_of(self.validator("request", media.pointer), given)):
            name, code = errors[0].get("pointer", "").lstrip("/"), errors[0]["code"]
            error = _FORM_ERRORS.get(name, "invalid_request")
            # Neither quotes nor backslashes may be told (5.2), so not the pattern.
            raise OAuthProblem(error, f"{name} is {'missing' if code == 'required' else 'malformed'}.")
        return given


class _ParameterCheck:
    """Coercion and validation of one operation's parameters."""

    def __init__(
        self,
        document: Document,
        operation: Operation,
        compile_schema: Callable[[dict[str, Any], Direction], Draft202012Validator],
    ) -> None:
        self._document = document
        self._method = operation.method
        by_location: dict[str, list[Parameter]] = {"path": [], "query": [], "header": []}
        for parameter in operation.parameters:
            by_location[parameter.location].append(parameter)
        self._query = {p.name: self._reader(p.schema) for p in by_location["query"]}
        self._lists = {p.name for p in by_location["query"] if p.schema.get("type") == "array"}
        self._deep = {p.name for p in by_location["query"] if p.deep}
        self._headers = {p.name: self._reader(p.schema) for p in by_location["header"] if p.name not in _OWN_CHECK}
        self._path = {p.name: self._reader(p.schema) for p in by_location["path"]}
        self._defaults = {p.name: p.schema["default"] for p in by_location["query"] if "default" in p.schema}
        self._validators = {
            location: compile_schema(_object_of(found, location), "request")
            for location, found in by_location.items()
            if found
        }

    def __call__(self, path: Mapping[str, str], request: Request) -> tuple[dict[str, Any], dict[str, Any]]:
        errors: list[FieldError] = []
        if path:
            self._check_path({name: self._path[name](value) for name, value in path.items()})
        query = self._read_query(request, errors) if request.raw_query else {}
        headers = {
            name: read(value) for name, read in self._headers.items() if (value := request.header(name)) is not None
        }
        for location, values in (("query", query), ("header", headers)):
            validator = self._validators.get(location)
            if validator is not None and not validator.is_valid(values):
                errors += [_of_parameter(error) for error in errors_of(validator, values)]
        if errors:
            # A query can have thousands of names, and the same one many times.
            once = list({(error["parameter"], error["code"]): error for error in errors}.values())
            raise Problem("validation_failed", _summary(once), errors=once[:MAX_ERRORS])
        for name, default in self._defaults.items():
            query.setdefault(name, default)
        return query, headers

    def _read_query(self, request: Request, errors: list[FieldError]) -> dict[str, Any]:
        query: dict[str, Any] = {}
        for name, text in request.query:
            outer, bracket, member = name.partition("[")
            if bracket and outer in self._deep and member.endswith("]"):
                members = query.setdefault(outer, {})
                repeated = member[:-1] in members
                members[member[:-1]] = text
            elif name not in self._query or name in self._deep:
                errors.append(parameter_error(name, "unknown_parameter", "There is no such parameter."))
                continue
            elif name in self._lists:
                query.setdefault(name, []).append(self._query[name](text))
                continue
            else:
                repeated = name in query
                query[name] = self._query[name](text)
            if repeated:
                errors.append(parameter_error(name, "repeated_parameter", "It may be given once."))
        return query

    def _check_path(self, values: Mapping[str, Any]) -> None:
        validator = self._validators.get("path")
        if validator is None or validator.is_valid(values):
            return
        if self._method == "PUT":  # It would have made the resource, so the caller is told what is wrong with its name.
            errors = [_of_parameter(error) for error in errors_of(validator, values)]
            raise Problem("validation_failed", _summary(errors), errors=errors)
        raise Problem("not_found", "A path value outside its schema names nothing.")

    def _reader(self, schema: Node) -> Callable[[str], Any]:
        """Text → the JSON value it stands for; text that is not of its type is left for the schema to refuse."""
        if schema.get("type") == "array":
            return self._reader(self._document.schema(schema.get("items", {})))
        declared = schema.get("type", "string")
        kinds = [declared] if isinstance(declared, str) else declared
        for kind in kinds:
            if kind in _READERS:
                return _READERS[kind]
        return str


def _depth(content: Any) -> int:
    """How deep arrays and objects lie in each other; level by level, for recursion has a limit of its own."""
    depth, level = 0, [content]
    while level:
        containers = [node for node in level if isinstance(node, list | dict)]
        depth += bool(containers)
        level = [child for node in containers for child in (node.values() if isinstance(node, dict) else node)]
    return depth


def _read_integer(text: str) -> Any:
    return int(text) if _INTEGER.fullmatch(text) else text


def _read_number(text: str) -> Any:
    return float(text) if _NUMBER.fullmatch(text) else text


def _read_boolean(text: str) -> Any:
    return {"true": True, "false": False}.get(text, text)


_READERS: Mapping[str, Callable[[str], Any]] = {
    "integer": _read_integer,
    "number": _read_number,
    "boolean": _read_boolean,
}


def _object_of(parameters: list[Parameter], location: str) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            parameter.name: {"$ref": f"urn:document#{_fragment(parameter.pointer)}"}
            for parameter in parameters
            if parameter.name not in _OWN_CHECK
        },
        "required": [p.name for p in parameters if p.required and p.name not in _OWN_CHECK],
        "additionalProperties": location != "query",
    }


def _fragment(pointer: str) -> str:
    """A JSON pointer as a URI fragment (RFC 6901 section 6)."""
    return pointer.replace("%", "%25").replace("{", "%7B").replace("}", "%7D").replace(" ", "%20")


def _of_parameter(error: FieldError) -> FieldError:
    """The error of a value within the object of all parameters, as one that names the parameter."""
    name = error["pointer"].split("/")[1].replace("~1", "/").replace("~0", "~")
    return parameter_error(name, error["code"], error["detail"])


def _summary(errors: list[FieldError]) -> str:
    first = errors[0]
    where = first.get("parameter") or first.get("pointer") or "The body"
    rest = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{where}: {first['detail']}{rest}"


def _directed(node: Any, foreign: str) -> Any:
    """A copy of the document for one direction: foreign members are refused and not required, integers bounded."""
    if isinstance(node, list):
        return [_directed(item, foreign) for item in node]
    if not isinstance(node, dict):
        return node
    copy = {name: _directed(value, foreign) for name, value in node.items()}
    bound = _BOUNDS.get(copy["format"]) if isinstance(copy.get("format"), str) else None
    if bound is not None:
        copy["minimum"] = max(copy.get("minimum", -bound), -bound)
        copy["maximum"] = min(copy.get("maximum", bound - 1), bound - 1)
    properties = copy.get("properties")
    if isinstance(properties, dict):
        hidden = {
            name for name, member in properties.items() if isinstance(member, dict) and member.get(foreign) is True
        }
        for name in hidden:
            properties[name] = False
        if hidden and isinstance(copy.get("required"), list):
            copy["required"] = [name for name in copy["required"] if name not in hidden]
    return copy
