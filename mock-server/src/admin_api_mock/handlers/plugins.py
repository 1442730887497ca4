"""plugins: what is installed, what it needs and what needs it. Health is data, never an error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from admin_api_mock import semver
from admin_api_mock.audit import Target, changes_between
from admin_api_mock.clock import format_instant
from admin_api_mock.http import Answer
from admin_api_mock.mergepatch import merge
from admin_api_mock.pages import page
from admin_api_mock.preconditions import require_match
from admin_api_mock.problems import FieldError, Problem, invalid
from admin_api_mock.resources import answer, content_etag, created, gone_or_never
from admin_api_mock.store import Where

if TYPE_CHECKING:
    from admin_api_mock.context import Context
    from admin_api_mock.store import Store
    from admin_api_mock.transaction import Handler, Tx


def list_(tx: Tx, ctx: Context) -> Answer:
    where = Where()
    where.one_of("status", ctx.query.get("status"))
    where.equal("name", ctx.query.get("name"))
    return page(ctx, lambda after, limit: tx.store.plugins.page(where, after, limit))


def register(tx: Tx, ctx: Context) -> Answer:
    doc = install(tx.store, ctx.body, plugin_id=tx.world.ids.new("plg"), now=format_instant(tx.now_ms))
    tx.audit(_target(doc), changes=changes_between(None, doc))
    return created(ctx, doc, etag=content_etag(doc))


def get(tx: Tx, ctx: Context) -> Answer:
    doc = _plugin(tx, ctx)
    return answer(doc, etag=content_etag(doc))


def update(tx: Tx, ctx: Context) -> Answer:
    before = _plugin(tx, ctx)
    require_match(ctx.header_params.get("if-match"), content_etag(before))
    now = format_instant(tx.now_ms)
    doc = before | {"settings": merge(before["settings"], ctx.body.get("settings", {}))}
    status = ctx.body.get("status", before["status"])
    if status != before["status"]:
        if status == "disabled":
            _require_unused(tx.store, before)
        else:
            _require_dependencies(tx.store, before)
        doc |= {"status": status, "health": _health(status, now)}
    if doc != before:
        doc["updated_at"] = now
        tx.store.plugins.replace(doc)
    tx.audit(_target(doc), changes=changes_between(before, doc))
    return answer(doc, etag=content_etag(doc))


def uninstall(tx: Tx, ctx: Context) -> Answer:
    doc = _plugin(tx, ctx)
    require_match(ctx.header_params.get("if-match"), content_etag(doc))
    _require_unused(tx.store, doc)
    tx.store.plugins.delete(doc["id"])
    tx.audit(_target(doc), changes=changes_between(doc, None))
    return Answer(204)


def install(store: Store, given: Mapping[str, Any], *, plugin_id: str, now: str) -> dict[str, Any]:
    """Adds a plugin from a valid PluginCreate. 409 if its name is taken or a plugin it needs is missing."""
    holder = store.plugins.named(given["name"])
    if holder is not None:
        error: FieldError = {"pointer": "/name", "code": "taken", "detail": "A plugin of this name is registered."}
        raise Problem("plugin_exists", error["detail"], existing_id=holder["id"], errors=[error])
    source = given["source"]
    if source["type"] == "object" and store.objects.get(source["object_id"]) is None:
        raise invalid("/source/object_id", "unknown_object", "There is no such object.")
    doc = {
        "id": plugin_id,
        "name": given["name"],
        "version": given["version"],
        "source": source,
        "sha256": given.get("sha256"),
        "requires": given.get("requires", []),
        "settings": given.get("settings", {}),
        "status": "enabled",
        "health": _health("enabled", now),
        "created_at": now,
        "updated_at": now,
    }
    _require_dependencies(store, doc)
    store.plugins.insert(doc)
    return doc


def _plugin(tx: Tx, ctx: Context) -> dict[str, Any]:
    doc = tx.store.plugins.get(ctx.path["plugin_id"])
    if doc is None:
        raise gone_or_never("plugin")
    return doc


def _require_dependencies(store: Store, doc: Mapping[str, Any]) -> None:
    """409 naming every plugin that is needed and not enabled in a version that will do; 422 for a malformed range."""
    errors: list[FieldError] = []
    for i, requirement in enumerate(doc["requires"]):
        needed = store.plugins.named(requirement["plugin"])
        try:
            # Without the plugin the range is read all the same: a malformed one is told now, not when it is installed.
            version_will_do = semver.satisfies(needed["version"] if needed else "0.0.0", requirement["range"])
        except semver.InvalidRange:
            raise invalid(f"/requires/{i}/range", "invalid_range", "It is not a range of versions.") from None
        if requirement.get("optional"):
            continue
        if needed is None or needed["status"] != "enabled":
            errors.append({"pointer": f"/requires/{i}", "code": "missing", "detail": "It is not enabled here."})
        elif not version_will_do:
            detail = "It is enabled in a version outside this range."
            errors.append({"pointer": f"/requires/{i}/range", "code": "wrong_version", "detail": detail})
    if errors:
        raise Problem("dependency_missing", "A plugin that this one needs is missing.", errors=errors)


def _require_unused(store: Store, doc: Mapping[str, Any]) -> None:
    """409 with the enabled plugins that need this one."""
    dependents = list(_dependents(store, doc["name"])) if doc["status"] == "enabled" else []
    if dependents:
        raise Problem("plugin_in_use", "Other plugins need this one.", dependents=dependents)


def _dependents(store: Store, name: str) -> Iterator[str]:
    for other in store.plugins.enabled():
        if any(needed["plugin"] == name and not needed.get("optional") for needed in other["requires"]):
            yield other["name"]


def _health(status: str, now: str) -> dict[str, Any]:
    """An enabled plugin has answered; a disabled one is not asked."""
    return {"status": "ok" if status == "enabled" else "unknown", "message": None, "checked_at": now}


def _target(doc: Mapping[str, Any]) -> Target:
    return Target("plugin", doc["id"], doc["name"])


HANDLERS: Mapping[str, Handler] = {
    "plugins.list": list_,
    "plugins.register": register,
    "plugins.get": get,
    "plugins.update": update,
    "plugins.uninstall": uninstall,
}
