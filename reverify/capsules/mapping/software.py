"""Languages, interpreters, packages and containers.

RO-Crate 1.2 wants name, version and address of each SoftwareApplication and
ComputerLanguage. Where one is not known, the thing is typed by what schema.org has
above that type, rather than given an address or a version that nobody stated.
"""

import re
from typing import Any
from urllib.parse import quote, unquote

from reverify.capsules.mapping.graph import Graph, key_of, stated
from reverify.capsules.mapping.interface import Json
from reverify.capsules.mapping.reader import Reader
from reverify.capsules.mapping.terms import is_url, url_id
from reverify.crates.contexts import WFRUN
from reverify.crates.entity import Entity

_PURL = re.compile(
    r"pkg:(?P<type>[A-Za-z][A-Za-z0-9.+-]*)/(?P<name>[^@?#]+)(@(?P<version>[^?#]*))?.*"
)
_PAGES = {
    "pypi": (
        "https://pypi.org/project/{name}/",
        "https://pypi.org/project/{name}/{v}/",
    ),
    "npm": (
        "https://www.npmjs.com/package/{name}",
        "https://www.npmjs.com/package/{name}/v/{v}",
    ),
    "cran": ("https://cran.r-project.org/package={name}",) * 2,
    "cargo": ("https://crates.io/crates/{name}", "https://crates.io/crates/{name}/{v}"),
    "gem": (
        "https://rubygems.org/gems/{name}",
        "https://rubygems.org/gems/{name}/versions/{v}",
    ),
    "github": ("https://github.com/{name}", "https://github.com/{name}/tree/{v}"),
    "golang": ("https://pkg.go.dev/{name}", "https://pkg.go.dev/{name}@{v}"),
}
"""The page of a package, by the type of its package URL.

Source: ECMA-427, Package-URL, the types' definitions.
"""
_IMAGES = {"docker": f"{WFRUN}#DockerImage", "sif": f"{WFRUN}#SIFImage"}


def write_language(graph: Graph, language: Json | None) -> Json | None:
    """Write the language of the code."""
    return _write(graph, "language", "ComputerLanguage", "Intangible", language)


def write_software(graph: Graph, software: Json | None) -> Json | None:
    """Write the interpreter of the code."""
    return _write(graph, "interpreter", "SoftwareApplication", "CreativeWork", software)


def _write(
    graph: Graph, kind: str, type: str, above: str, record: Json | None
) -> Json | None:
    if record is None:
        return None
    url, whole = record.get("url"), {"name", "version", "url"} <= set(record)
    wanted = url_id(url) if url and whole else None
    if wanted in graph.entities:
        # The same page stands for a language and for what interprets it.
        wanted = f"{wanted}#{kind}"
    id = graph.name(key_of(kind, record), wanted, kind)
    return graph.add(id, type if whole else above, record)


def write_package(graph: Graph, record: Json, number: int) -> Json:
    """Write an installed package.

    Args:
        graph: where to.
        record: as in the manifest.
        number: which package it is, from 1.
    """
    package = stated(record)
    thing = key_of("package", package)
    if thing in graph.ids:
        return {"@id": graph.ids[thing]}
    page = _page(package)
    whole = page is not None and "version" in package
    id = graph.name(thing, page if whole else None, f"package-{number}")
    return graph.add(
        id,
        "SoftwareApplication" if whole else "CreativeWork",
        {
            "name": package["name"],
            "version": package.get("version"),
            "url": page,
            "identifier": package.get("purl"),
        },
        derived=("url",),
    )


def _page(package: Json) -> str | None:
    match = _PURL.fullmatch(package.get("purl") or "")
    pages = _PAGES.get(match["type"].lower()) if match else None
    if match is None or pages is None:
        return None
    name = quote(unquote(match["name"]), safe="/@")
    version = quote(unquote(match["version"] or ""), safe="")
    return pages[bool(version)].format(name=name, v=version)


def write_container(graph: Graph, record: Json | None) -> Json | None:
    """Write the container image that the code ran in."""
    if record is None:
        return None
    image = stated(record)
    kind = _IMAGES.get(image.get("kind"))
    id = graph.name(key_of("container", image), None, "container")
    return graph.add(
        id,
        ["ContainerImage", "CreativeWork"],
        {
            "name": image["name"],
            "additionalType": kind and {"@id": kind},
            "registry": image.get("registry"),
            "tag": image.get("tag"),
            "sha256": image.get("sha256"),
        },
    )


def read_language(reader: Reader, entity: Entity) -> Json | None:
    """Read the language that code is written in."""
    return _read(reader, entity, "programmingLanguage", "language")


def read_software(reader: Reader, entity: Entity, key: str) -> Json | None:
    """Read the interpreter of code."""
    return _read(reader, entity, key, "interpreter")


def _read(reader: Reader, entity: Entity, key: str, kind: str) -> Json | None:
    for value in entity.values(key):
        if isinstance(value, str) and value:
            reader.use(entity, key, value)
            return {"name": value}
    for target in reader.entities(entity, key):
        name = reader.text(target, "name")
        if not name:
            continue
        record: Json = {"name": name}
        if (version := _version(reader, target)) is not None:
            record["version"] = version
        for url, value in reader.links(target, "url"):
            if is_url(url):
                reader.use(target, "url", value)
                record["url"] = url
                break
        reader.ids.setdefault(key_of(kind, record), target.id)
        return record
    return None


def read_packages(reader: Reader, entity: Entity) -> list[Json]:
    """Read the packages that code needed."""
    found = []
    for value in entity.values("softwareRequirements"):
        if isinstance(value, str) and value:
            reader.use(entity, "softwareRequirements", value)
            found.append({"name": value})
            continue
        id = value.get("@id") if isinstance(value, dict) else None
        target = reader.metadata.by_id.get(id) if isinstance(id, str) else None
        name = reader.text(target, "name") if target else None
        if target is None or not name:
            continue
        package: Json = {"name": name}
        if (version := _version(reader, target)) is not None:
            package["version"] = version
        for text, stated_as in reader.links(target, "identifier"):
            if _PURL.fullmatch(text):
                reader.use(target, "identifier", stated_as)
                package["purl"] = text
                break
        reader.ids.setdefault(key_of("package", package), target.id)
        found.append(package)
    return found


def _version(reader: Reader, entity: Entity) -> str | None:
    """The version of something; softwareVersion counts first.

    Source: Process Run Crate 0.5, "SoftwareApplication".
    """
    return reader.text(entity, "softwareVersion", "version")


def read_container(reader: Reader, action: Entity) -> Json | None:
    """Read the container image of a run, described or named by its address."""
    for value in action.values("containerImage"):
        if isinstance(value, str) and value:
            reader.use(action, "containerImage", value)
            return {"name": value}
    for image in reader.entities(action, "containerImage"):
        name = reader.text(image, "name")
        if not name:
            continue
        record: Json = {"name": name}
        types: set[Any] = {text for text, _ in reader.links(image, "additionalType")}
        for kind, iri in _IMAGES.items():
            if iri in types:
                record["kind"] = kind
        for key in ("registry", "tag"):
            if (text := reader.text(image, key)) is not None:
                record[key] = text
        if digest := reader.text(image, "sha256", form="[0-9a-f]{64}"):
            record["sha256"] = digest
        reader.ids.setdefault(key_of("container", record), image.id)
        return record
    return None
