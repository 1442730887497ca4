"""Both SDKs as facts that can be compared: per topic a set of lines, names in snake_case, durations in milliseconds."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import admin_api
from admin_api import backoff, encryption, errors, exchange, models, options, renewal, spool, stack, telemetry
from admin_api._generated import policy
from admin_api._generated.operations import OPERATIONS
from admin_api._generated.sync import pagination, streaming

Facts: TypeAlias = Mapping[str, frozenset[str]]

HERE: Final = Path(__file__).parent
PACKAGE: Final = Path(admin_api.__file__).parent
TIMES: Final = ("timeout", "deadline", "max_retry_after", "token_timeout")
SLOTS: Final = ("call_log", "status", "retry", "auth", "attempt_log")
#: How either language writes a code: of an error's class or facts, of a wire error with its effect, of a token failure.
_CODES: Final = (
    re.compile(r"""\bcode(?:: (?:str|string))?\s*(?:[:=]|==)\s*["'](\w+)["']"""),
    re.compile(r"""(?:WireError\(|make\(|\w, |effect = )\s*["'](\w+)["'],\s*["'](?:not_sent|maybe_acted|final)["']"""),
    re.compile(r"""\bTokenFailure\(\s*["'](\w+)["']"""),
    re.compile(r"""\bstop\s*={1,3}\s*["'](\w+)["']"""),
)
_ENVIRONMENT: Final = re.compile(r"\bADMIN_API_[A-Z_]*[A-Z]\b")


def snake(name: str) -> str:
    """`maxRetryAfter` → `max_retry_after`; names of classes and constants stay."""
    return name if name[:1].isupper() else re.sub(r"(?<=[a-z0-9])([A-Z])", lambda found: f"_{found[1].lower()}", name)


def python_facts() -> Facts:
    """Of the Python SDK, by its synchronous flavour; the other one is what that is derived from (STACK-6)."""
    client = admin_api.AdminClient(base_url="http://localhost:1", token="t")
    with client:
        parameters = {id_: _signature(_method(client, info)) for id_, info in OPERATIONS.items()}
    sources = {path.relative_to(PACKAGE).as_posix(): path.read_text("utf-8") for path in PACKAGE.rglob("*.py")}
    by_hand = [text for path, text in sources.items() if not path.startswith("_generated")]
    classes: dict[str, type] = {
        **{name: getattr(admin_api, name) for name in ("AdminClient", "Clock", "FieldError", "Page", "RawResponse")},
        **{name: getattr(exchange, name) for name in ("Request", "Response", "TokenFailure", "WireError")},
        **{name: getattr(streaming, name) for name in ("EventStream", "ItemStream")},
        "Downloaded": spool.Downloaded,
        "Identity": encryption.Identity,
        "Pager": pagination.Pager,
        "Recipient": encryption.Recipient,
        "CallTelemetry": telemetry.CallTelemetry,
        "RefreshRecord": renewal.RefreshRecord,
        "RetryRecord": backoff.RetryRecord,
        "Telemetry": telemetry.Telemetry,
    }
    slots: dict[str, Any] = {name: name for name in SLOTS}
    return {
        "rooms": _rooms(path.removesuffix(".py").replace("__init__", "index") for path in sources),
        "names": frozenset({_bare(name) for name in admin_api.__all__} | {_bare(name) for name in models.__all__}),
        "encryption": frozenset(encryption.__all__),
        "operations": _operations({id_: info._asdict() for id_, info in OPERATIONS.items()}),
        "parameters": _parameters(parameters),
        "members": frozenset(f"{name}.{member}" for name, each in classes.items() for member in _public(each)),
        "errors": frozenset(_errors_of_python()),
        "options": _options(
            {
                "ClientOptions": _signature(admin_api.AdminClient.__init__),
                "with_options": _signature(admin_api.AdminClient.with_options),
                "RequestOptions": [field.name for field in dataclasses.fields(options.RequestOptions)],
            }
        ),
        "limits": _limits({name: _ms(name, value) for name, value in dataclasses.asdict(options.Limits()).items()}),
        "policy": _policy(
            {name: value * 1000 if isinstance(value, float) else value for name, value in vars(policy).items()}
        ),
        "stack": _stack(stack.layers(per_call=["per_call"], per_attempt=["per_attempt"], **slots)),  # type: ignore[list-item]  # markers that are only put in order
        "codes": _codes(by_hand),
        "environment": frozenset(name for text in by_hand for name in _ENVIRONMENT.findall(text)),
    }


def node_facts() -> Facts:
    """Of the Node SDK as it is built, told by `node_facts.mjs`."""
    ran = subprocess.run(
        ["node", HERE / "node_facts.mjs"], capture_output=True, text=True, encoding="utf-8", check=False
    )
    if ran.returncode != 0:
        raise RuntimeError(f"node_facts.mjs failed; is node-sdk installed and built?\n{ran.stderr}")
    told: dict[str, Any] = json.loads(ran.stdout)
    by_hand = list(told["sources"].values())
    return {
        "rooms": _rooms(told["rooms"]),
        "names": frozenset(_bare(name) for name in told["names"]),
        "encryption": frozenset(snake(name) for name in told["encryption"]),
        "operations": _operations(told["operations"]),
        "parameters": _parameters(
            {
                id_: {snake(name): optional for name, optional in names.items()}
                for id_, names in told["parameters"].items()
            }
        ),
        "members": frozenset(f"{name}.{snake(member)}" for name, each in told["members"].items() for member in each),
        "errors": frozenset(
            _error(name, told["errors"][name]["base"], told["errors"][name]["code"], map(snake, each))
            for name, each in _less_of_the_base(told["errorMembers"]).items()
        ),
        "options": _options(
            {snake(name): [snake(member) for member in each] for name, each in told["options"].items()}
        ),
        "limits": _limits({snake(name): value for name, value in told["limits"].items()}),
        "policy": _policy(told["policy"]),
        "stack": _stack(snake(name) for name in told["stack"]),
        "codes": _codes(by_hand),
        "environment": frozenset(name for text in by_hand for name in _ENVIRONMENT.findall(text)),
    }


def _bare(name: str) -> str:
    """The name of either flavour, folded: what differs only in case or by `Async` is the same."""
    return name.removeprefix("Async").replace("_", "").lower()


def _rooms(paths: Iterable[str]) -> frozenset[str]:
    return frozenset(path for path in paths if not path.startswith("_generated/sync/"))


def _method(client: Any, info: Any) -> Any:
    resource = client
    for attribute in info.path:
        resource = getattr(resource, attribute)
    return getattr(resource, info.method)


def _signature(function: Any) -> dict[str, bool]:
    """Parameter → whether it may be left out."""
    parameters = inspect.signature(function).parameters.values()
    return {each.name: each.default is not inspect.Parameter.empty for each in parameters if each.name != "self"}


def _parameters(by_operation: Mapping[str, Mapping[str, bool]]) -> frozenset[str]:
    return frozenset(
        f"{id_}({name}{'?' if optional else ''})"
        for id_, names in by_operation.items()
        for name, optional in names.items()
    )


def _operations(infos: Mapping[str, Mapping[str, Any]]) -> frozenset[str]:
    def line(id_: str, info: Mapping[str, Any]) -> str:
        named = {wire: snake(name) for wire, name in info["arguments"].items()}
        path = ".".join([*map(snake, info["path"]), snake(info["method"])])
        return f"{id_}: {path} {info['kind']} {list(info['scopes'])} {list(info['positional'])} {named}"

    return frozenset(line(id_, info) for id_, info in infos.items())


def _public(cls: type) -> set[str]:
    """Public members of a class and of what its instances hold."""
    found = set(dir(cls))
    for base in cls.__mro__:
        found |= set(inspect.get_annotations(base))
        found |= set(re.findall(r"\bself\.([a-z]\w*)\b[^=\n]*? = ", _init_of(base)))
    return {name for name in found if not name.startswith("_")}


def _init_of(cls: type) -> str:
    own = vars(cls).get("__init__")
    return inspect.getsource(own) if inspect.isfunction(own) and own.__code__.co_filename.endswith(".py") else ""


def _errors_of_python() -> Iterator[str]:
    classes = [
        each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, errors.AdminAPIError)
    ]
    members = _less_of_the_base({each.__name__: sorted(_public(each) - set(dir(Exception))) for each in classes})
    for each in classes:
        base = "Error" if each is errors.AdminAPIError else each.__mro__[1].__name__
        yield _error(each.__name__, base, each.code, members[each.__name__])


def _error(name: str, base: str, code: str, members: Iterable[str]) -> str:
    return f"{name}({base}) {code}: {', '.join(sorted(members))}"


def _less_of_the_base(members: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """Members that a class adds to AdminAPIError's; of that one, all."""
    every = set(members["AdminAPIError"])
    return {name: sorted(every if name == "AdminAPIError" else set(each) - every) for name, each in members.items()}


def _options(by_kind: Mapping[str, Iterable[str]]) -> frozenset[str]:
    return frozenset(f"{kind}.{name}" for kind, names in by_kind.items() for name in names)


def _ms(name: str, value: Any) -> Any:
    return value * 1000 if name in TIMES and value is not None else value


def _limits(values: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(f"{name}={value:g}" for name, value in values.items() if value is not None)


def _policy(values: Mapping[str, Any]) -> frozenset[str]:
    def shown(value: Any) -> str:
        return f"{value:g}" if isinstance(value, int | float) else str(sorted(value))

    return frozenset(f"{name}={shown(value)}" for name, value in values.items() if name.isupper())


def _stack(order: Iterable[Any]) -> frozenset[str]:
    return frozenset({" > ".join(order)})


def _codes(sources: Iterable[str]) -> frozenset[str]:
    texts = list(sources)
    return frozenset(code for text in texts for form in _CODES for code in form.findall(text))
