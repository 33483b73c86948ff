"""ro-crate-preview.html: a page on the capsule for people, complete in itself.

Everything in a manifest may be hostile. It is escaped where it is written, links go to
http and https or to files of the crate, and nothing on the page can run or be loaded.

Source: RO-Crate 1.2, RO-Crate Structure, "RO-Crate Website".
"""

import functools
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from reverify.capsules.citation import crate_iri, reference
from reverify.capsules.mapping import CodeFacts, Measured
from reverify.formats.page import as_it_is, style, template
from reverify.model.capsule import FileRecord, Manifest

if TYPE_CHECKING:
    from jinja2 import Template

PREVIEW = "ro-crate-preview.html"
_PLAIN = (
    "title",
    "description",
    "status",
    "authors",
    "publisher",
    "created",
    "completed",
    "license",
    "keywords",
    "related",
    "notes",
)
"""What the page says in the manifest's own words."""
Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What the page tells beside what is in the manifest.

    Attributes:
        ro_crate: the version of RO-Crate.
        files: what was measured of the files, by path.
        code: what was looked up of the code; None if nothing was.
        swhids: identifiers of the code.
        manifest_path: where the manifest is in the crate.
        has_citation: whether there is a CITATION.cff.
        document: the metadata document.
    """

    ro_crate: str
    files: Mapping[str, Measured]
    code: CodeFacts | None
    swhids: Sequence[str]
    manifest_path: str
    has_citation: bool
    document: Mapping[str, Any]


def preview(manifest: Manifest, described: Described) -> bytes:
    """Write the page; the same each time."""
    document, code = manifest.document, manifest.part("code")
    facts = described.code or CodeFacts()
    run, environment = manifest.part("run"), manifest.part("environment")
    sheet = style("reverify.capsules", "preview.css")
    page = _template().render(
        {key: document.get(key) for key in _PLAIN},
        style=sheet.text,
        style_digest=sheet.source,
        document=_embedded(described),
        ro_crate=described.ro_crate,
        id=crate_iri(manifest),
        license_url=_license_url(document.get("license")),
        run=run,
        command=shlex.join(run.get("command") or ()),
        parameters=[(k, _json(v)) for k, v in (run.get("parameters") or {}).items()],
        variables=list((run.get("environment") or {}).items()),
        files=[_file(file, described.files) for file in manifest.files()],
        manifest_path=described.manifest_path,
        code=code,
        commit=facts.commit or code.get("git_commit"),
        tree=facts.tree or code.get("git_tree_hash"),
        looked_up=described.code is not None,
        language=_name(code.get("language")),
        swhids=described.swhids,
        environment=environment,
        interpreter=_name(environment.get("interpreter")),
        container=_container(environment.get("container") or {}),
        platform=", ".join(filter(None, (environment.get("platform") or {}).values())),
        lock_file=(environment.get("lock_file") or {}).get("path"),
        reference=reference(manifest),
        has_citation=described.has_citation,
    )
    return page.encode()


@functools.cache
def _template() -> "Template":
    return template("reverify.capsules", "preview.html.j2", {"below": _below})


def _below(path: str) -> str:
    """The link to a file of the crate, which nothing takes for a scheme or a host."""
    return "./" + quote(path, safe="/")


def _embedded(described: Described) -> str | None:
    """The metadata document, where the specification wants it in the page.

    Source: RO-Crate 1.1, RO-Crate Website: MUST contain a copy of the JSON-LD.
    """
    if described.ro_crate != "1.1":
        return None
    text = json.dumps(described.document)
    for character in "<>&":  # which stand in strings alone, and so may be written so
        text = text.replace(character, f"\\u{ord(character):04x}")
    return as_it_is(text)


def _license_url(license: str | None) -> str | None:
    """The page of a licence; an expression of several has none."""
    if license and re.fullmatch(r"[A-Za-z0-9.+-]+", license):
        return f"https://spdx.org/licenses/{license}"
    return None


def _file(file: FileRecord, files: Mapping[str, Measured]) -> Json:
    """A row of the table: what was measured, where it was, before what is stated."""
    measured = files.get(file.path or "")
    return {
        "role": str(file.role),
        "path": file.path,
        "url": file.url,
        "name": file.record.get("name"),
        "description": file.record.get("description"),
        "media_type": file.record.get("media_type"),
        "size": measured.size if measured else file.size,
        "sha256": measured.sha256 if measured else file.sha256,
    }


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _name(said: Mapping[str, Any] | None) -> str:
    """A name and a version."""
    return " ".join(filter(None, map((said or {}).get, ("name", "version"))))


def _container(said: Mapping[str, Any]) -> str:
    """An image as one names it to a tool that runs it."""
    name = "/".join(filter(None, (said.get("registry"), said.get("name"))))
    tag = f":{said['tag']}" if said.get("tag") else ""
    return name + tag + (f"@sha256:{said['sha256']}" if said.get("sha256") else "")
