"""What the API is, as an OpenAPI document; made from the routes, and rounded off here.

Source: OpenAPI 3.1, whose schemas are JSON Schema 2020-12, as that of manifests is.
"""

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from reverify.api.problems import KINDS, MEDIA_TYPE, TYPE_PREFIX
from reverify.capsules.manifest import schema
from reverify.version import __version__

Json = dict[str, Any]

ABOUT = """Keeps capsules, the manifests of analyses, and hands them out as RO-Crates.

What is wrong is told as problem details (RFC 9457), `type` being one of a few that are
listed with each operation. Writes need a token.
"""
PROBLEM = "Problem"
MANIFEST = "Manifest"
BEARER = "token"
EVERYWHERE = ("host-malformed", "host-refused", "internal")
"""Problems that any request may meet with."""
WRITING = ("unauthorized", "writes-refused", "media-type-unsupported")
"""Problems that any write may meet with."""


def problems(*kinds: str) -> dict[int | str, Json]:
    """The answers of an operation that are problems, by status."""
    found: dict[int | str, list[str]] = {}
    for kind in KINDS:
        if kind in {*kinds, *EVERYWHERE}:
            found.setdefault(KINDS[kind].status, []).append(kind)
    return {status: _answer(kinds) for status, kinds in found.items()}


def _answer(kinds: list[str]) -> Json:
    listed = ", ".join(f"`{TYPE_PREFIX}{kind}`" for kind in kinds)
    titles = ". ".join(KINDS[kind].title for kind in kinds)
    answer: Json = {
        "description": f"{titles}. Type: {listed}",
        "content": {
            MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{PROBLEM}"}}
        },
    }
    if "unauthorized" in kinds:
        answer["headers"] = {"WWW-Authenticate": _header("How to show a token.")}
    if {"busy", "registry-unavailable"} & set(kinds):
        answer["headers"] = {"Retry-After": _header("Seconds to wait.", "integer")}
    return answer


def _header(description: str, type: str = "string") -> Json:
    return {"description": description, "required": True, "schema": {"type": type}}


def readable(
    app: FastAPI,
    path: str,
    endpoint: Callable[..., Any],
    **options: Any,  # noqa: ANN401 - of the framework
) -> None:
    """Add a resource that can be read: GET, and HEAD beside it."""
    name = endpoint.__name__
    app.add_api_route(path, endpoint, methods=["GET"], operation_id=name, **options)
    app.add_api_route(path, endpoint, methods=["HEAD"], include_in_schema=False)


def describe(app: FastAPI) -> Json:
    """The OpenAPI document of an app."""
    document: Json = get_openapi(
        title="reverify",
        version=__version__,
        summary="Capsules over HTTP",
        description=ABOUT,
        routes=app.routes,
    )
    document["info"]["license"] = {"name": "Apache-2.0", "identifier": "Apache-2.0"}
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas |= _manifest_schemas()
    schemas[PROBLEM] = _problem_schema()
    schemas["Nothing"] = {"type": "object", "additionalProperties": False}
    reference = {"$ref": f"#/components/schemas/{MANIFEST}"}
    schemas["Capsule"]["properties"]["manifest"] = reference
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    components["schemas"] = dict(sorted(schemas.items()))
    components["securitySchemes"] = {
        BEARER: {
            "type": "http",
            "scheme": "bearer",
            "description": "The token that the server was started with.",
        }
    }
    return document


def _problem_schema() -> Json:
    return {
        "type": "object",
        "description": "What went wrong (RFC 9457).",
        "properties": {
            "type": {"type": "string", "enum": [TYPE_PREFIX + kind for kind in KINDS]},
            "title": {"type": "string"},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": {"type": "string"},
            "instance": {
                "type": "string",
                "description": "The id under which the log of the server tells more.",
            },
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "detail": {"type": "string"},
                        "pointer": {
                            "type": "string",
                            "description": "The place in the body, a JSON pointer.",
                        },
                        "parameter": {
                            "type": "string",
                            "description": "The parameter of the request.",
                        },
                    },
                    "required": ["detail"],
                },
            },
        },
        "required": ["type", "title", "status", "detail"],
    }


def _manifest_schemas() -> dict[str, Json]:
    """The schema of manifests, its parts as components of their own."""
    document = schema()
    parts: Mapping[str, Json] = document.pop("$defs")
    for key in ("$id", "$schema"):
        document.pop(key)
    found = {MANIFEST: document}
    found |= {_component(name): part for name, part in parts.items()}
    return {name: _rebased(part) for name, part in found.items()}


def _component(name: str) -> str:
    return f"{MANIFEST}.{name}"


def _rebased(value: Any) -> Any:  # noqa: ANN401 - JSON
    """A part of the schema, its references leading to the components."""
    if isinstance(value, list):
        return [_rebased(item) for item in value]
    if not isinstance(value, dict):
        return value
    found = {key: _rebased(item) for key, item in value.items()}
    if isinstance(target := found.get("$ref"), str):
        name = _component(target.removeprefix("#/$defs/"))
        found["$ref"] = f"#/components/schemas/{name}"
    return found
