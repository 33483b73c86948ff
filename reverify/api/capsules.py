"""Capsules over HTTP: register, list, show, export.

A handler translates, and does nothing else. Work is done in threads, since registry
and exporter know nothing of event loops.
"""

import hashlib
import itertools
import re
from enum import Enum
from typing import Annotated, Any
from uuid import UUID

import anyio.to_thread
from fastapi import Depends, FastAPI, Path, Query, Request, Response
from pydantic import BeforeValidator

from reverify.api import exports
from reverify.api.bodies import JSON, ZIP, answers_with, read_body
from reverify.api.description import BEARER, MANIFEST, WRITING, problems, readable
from reverify.api.interface import Serving
from reverify.api.models import (
    Capsule,
    Export,
    ExportedFiles,
    KeptFile,
    Page,
    Registered,
    Summary,
)
from reverify.api.problems import Problem, manifest_problem
from reverify.api.security import Writes
from reverify.api.streaming import Streamed, Turns
from reverify.capsules.manifest import read_manifest
from reverify.capsules.registry import Registry
from reverify.errors import ManifestError
from reverify.model.registry import Version
from reverify.version import __version__

PREFIX = "/api/capsules"
TAGS: list[str | Enum] = ["capsules"]
PAGE, LONGEST_PAGE = 50, 200
_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_LARGEST = 2**31 - 1


def _plain(text: object) -> object:
    """Turn away what else is taken for a UUID: braces, URNs, digits without hyphens."""
    if not isinstance(text, str) or _UUID.fullmatch(text) is None:
        raise ValueError("write a UUID, 8-4-4-4-12 hexadecimal digits")
    return text


Id = Annotated[
    UUID, BeforeValidator(_plain), Path(description="The id of the capsule, a UUID.")
]
Number = Annotated[
    int | None,
    Query(
        ge=1, le=_LARGEST, description="Which version; the latest if it is left out."
    ),
]
_READ = ("not-acceptable", "parameters-invalid")
_STORE = ("registry-damaged", "registry-unavailable")
_EXPORT = ("not-found", "files-missing", "capsule-unfit", "busy")
_BODY = ("body-late", "body-too-large")
_MAY_WRITE: dict[str, Any] = {"security": [{BEARER: []}]}


class Capsules:
    """The resources below `/api/capsules`.

    Args:
        registry: keeps them.
        serving: what the server may do.
    """

    def __init__(self, registry: Registry, serving: Serving) -> None:
        self._registry = registry
        self._serving = serving
        self._turns = Turns(serving)

    async def register_capsule(
        self, request: Request, response: Response
    ) -> Registered:
        """`POST /api/capsules`."""
        data = await read_body(request, self._serving)
        version = await anyio.to_thread.run_sync(
            _register, self._registry, self._serving, data
        )
        response.status_code = 201 if version.is_new else 200
        response.headers["Location"] = f"{PREFIX}/{version.capsule}"
        return Registered(
            capsule_id=version.capsule, version=version.number, digest=version.digest
        )

    def list_capsules(
        self,
        response: Response,
        limit: Annotated[
            int, Query(ge=1, le=LONGEST_PAGE, description="How many at most.")
        ] = PAGE,
        cursor: Annotated[
            int | None,
            Query(ge=1, le=_LARGEST, description="`next` of the page before."),
        ] = None,
    ) -> Page:
        """`GET /api/capsules`."""
        # One more than is shown tells whether there is another page.
        rows = list(itertools.islice(self._registry.list(before=cursor), limit + 1))
        shown = rows[:limit]
        following = shown[-1].sequence if len(rows) > limit else None
        if following is not None:
            address = f"{PREFIX}?limit={limit}&cursor={following}"
            response.headers["Link"] = f'<{address}>; rel="next"'
        return Page(capsules=[Summary.of(row) for row in shown], next=following)

    def show_capsule(self, id: Id, version: Number = None) -> Capsule:
        """`GET /api/capsules/{id}`."""
        found = exports.find(self._registry, id, version)
        return Capsule(
            **Summary.of(found.version).model_dump(),
            manifest=dict(found.manifest.document),
            files=[
                KeptFile(
                    role=str(file.role),
                    path=file.path,
                    sha256=file.sha256,
                    size=file.size,
                    at_hand=exports.is_at_hand(self._registry, file),
                )
                for file in found.files
            ],
            versions=[Summary.of(each) for each in self._registry.versions(str(id))],
        )

    async def show_export(self, id: Id, version: Number = None) -> Export:
        """`GET /api/capsules/{id}/export`."""
        async with self._turns.taken():
            return await anyio.to_thread.run_sync(_about, self._registry, id, version)

    async def export_files(
        self, request: Request, id: Id, version: Number = None
    ) -> ExportedFiles:
        """`POST /api/capsules/{id}/export-files`."""
        await _expect_nothing(request, self._serving)
        async with self._turns.taken():
            return await anyio.to_thread.run_sync(
                _write, self._registry, self._serving, id, version
            )

    def download_crate(
        self, request: Request, id: Id, version: Number = None
    ) -> Response:
        """`GET /api/capsules/{id}/crate.zip`."""
        found = exports.find(self._registry, id, version)
        headers = _headers(found)
        if "ETag" in headers and _has(request, headers["ETag"]):
            return Response(status_code=304, headers=headers)
        exports.expect_over(found)
        exports.expect_files(self._registry, found)
        return Streamed(
            lambda sink: exports.write_zip(self._registry, found, sink),
            turns=self._turns,
            stall_seconds=self._serving.stall_seconds,
            media_type=ZIP,
            headers=headers,
        )


def add_capsules(app: FastAPI, registry: Registry, serving: Serving) -> None:
    """Say under which path and method each of them is, and how it is described."""
    capsules = Capsules(registry, serving)
    as_json, as_zip = [Depends(answers_with(JSON))], [Depends(answers_with(ZIP))]
    as_write = [Depends(Writes(serving)), *as_json]
    app.add_api_route(
        PREFIX,
        capsules.register_capsule,
        methods=["POST"],
        tags=TAGS,
        operation_id="register_capsule",
        status_code=201,
        dependencies=as_write,
        summary="Register a capsule",
        description="Keeps the manifest, byte for byte, as the next version of its"
        " capsule. The same bytes again change nothing.",
        response_description="The manifest is a new version.",
        responses={
            200: {"model": Registered, "description": "It is the latest already."},
            **problems(
                *WRITING,
                *_BODY,
                *_STORE,
                "not-acceptable",
                "manifest-unreadable",
                "manifest-invalid",
                "capsule-unfit",
            ),
        },
        openapi_extra={**_MAY_WRITE, "requestBody": _body(MANIFEST)},
    )
    readable(
        app,
        PREFIX,
        capsules.list_capsules,
        tags=TAGS,
        dependencies=as_json,
        summary="List capsules",
        description="The last registered come first. A page goes on where the one"
        " before ended, whatever was registered meanwhile.",
        responses=problems(*_READ, *_STORE),
    )
    readable(
        app,
        PREFIX + "/{id}",
        capsules.show_capsule,
        tags=TAGS,
        dependencies=as_json,
        summary="Show a capsule",
        description="Its latest version, or the one that is asked for: what the"
        " registry knows of it, its manifest, its files.",
        responses=problems(*_READ, *_STORE, "not-found"),
    )
    readable(
        app,
        PREFIX + "/{id}/export",
        capsules.show_export,
        tags=TAGS,
        dependencies=as_json,
        summary="Tell what the crate of a capsule is",
        description="Every file is read and compared with the manifest; nothing is"
        " written.",
        responses=problems(*_READ, *_STORE, *_EXPORT),
    )
    app.add_api_route(
        PREFIX + "/{id}/export-files",
        capsules.export_files,
        methods=["POST"],
        tags=TAGS,
        operation_id="export_files",
        dependencies=as_write,
        summary="Write the crate of a capsule into the folder of exports",
        description="In place of what was written before; the same capsule gives the"
        " same bytes.",
        responses=problems(
            *WRITING,
            *_BODY,
            *_READ,
            *_STORE,
            *_EXPORT,
            "exports-refused",
            "manifest-unreadable",
        ),
        openapi_extra={**_MAY_WRITE, "requestBody": _body("Nothing")},
    )
    readable(
        app,
        PREFIX + "/{id}/crate.zip",
        capsules.download_crate,
        tags=TAGS,
        dependencies=as_zip,
        response_class=Response,
        summary="Download a capsule as an RO-Crate in a zip",
        description="Made while it is sent; the same version gives the same bytes. A"
        " file that turns out to have changed breaks the answer off.",
        responses={
            200: {
                "description": "The crate.",
                "content": {ZIP: {"schema": {"type": "string", "format": "binary"}}},
            },
            304: {"description": "The client has it."},
            **problems(*_READ, *_STORE, *_EXPORT),
        },
    )


def _body(component: str) -> dict[str, Any]:
    reference = {"$ref": f"#/components/schemas/{component}"}
    return {"required": True, "content": {JSON: {"schema": reference}}}


def _register(registry: Registry, serving: Serving, data: bytes) -> Version:
    try:
        manifest = read_manifest(data)
    except ManifestError as error:
        raise manifest_problem(error) from error
    return exports.register(registry, manifest, serving)


async def _expect_nothing(request: Request, serving: Serving) -> None:
    """See that the body says nothing: it is empty, or an empty object.

    Raises:
        Problem: it says something.
    """
    data = await read_body(request, serving)
    if data.strip(b" \t\r\n") and re.fullmatch(rb"\s*\{\s*\}\s*", data) is None:
        detail = "send an empty object, {}, or no body at all"
        raise Problem("manifest-unreadable", detail)


def _about(registry: Registry, id: UUID, number: int | None) -> Export:
    found = exports.find(registry, id, number)
    exports.expect_over(found)
    exports.expect_files(registry, found)
    exported = exports.measure(registry, found)
    return Export.of(found.version, found.manifest, exported)


def _write(
    registry: Registry, serving: Serving, id: UUID, number: int | None
) -> ExportedFiles:
    found = exports.find(registry, id, number)
    if serving.exports is None:
        raise Problem(
            "exports-refused",
            "there is no folder for exports; whoever runs the server starts it with"
            " --exports DIR",
        )
    exports.expect_over(found)
    exports.expect_files(registry, found)
    where, exported = exports.write_folder(registry, found, serving.exports)
    return ExportedFiles(
        capsule_id=found.version.capsule,
        version=found.version.number,
        where=where,
        checksum=exported.checksum,
        files=exported.files,
        bytes=exported.bytes,
    )


def _headers(found: exports.Found) -> dict[str, str]:
    """The headers of a crate.

    Its bytes follow from the version and from this program, so both make its ETag; but
    for files of which nobody knows the digest.
    """
    name = f"{exports.folder_name(UUID(found.version.capsule))}.zip"
    headers = {
        "Accept-Ranges": "none",
        "Cache-Control": "no-cache",
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    if all(file.sha256 is not None for file in found.files):
        text = f"{found.version.digest} reverify {__version__}"
        headers["ETag"] = f'"{hashlib.sha256(text.encode()).hexdigest()}"'
    return headers


def _has(request: Request, tag: str) -> bool:
    """Whether the client says that it has this representation.

    Source: RFC 9110, section 13.1.2.
    """
    given = ",".join(request.headers.getlist("if-none-match"))
    tags = [item.strip().removeprefix("W/") for item in given.split(",")]
    return "*" in tags or tag in tags
