"""What the capsule is: the root, its licence, its related works."""

import hashlib
import json
import re
from collections.abc import Iterator
from uuid import NAMESPACE_URL, uuid5

from reverify.capsules.mapping.graph import Graph, key_of, stated
from reverify.capsules.mapping.interface import Json
from reverify.capsules.mapping.people import (
    read_organization,
    read_person,
    write_organization,
    write_person,
)
from reverify.capsules.mapping.reader import Reader, is_own
from reverify.capsules.mapping.run import is_whole, tells_of_a_run
from reverify.capsules.mapping.terms import (
    DESCRIPTOR,
    PROCESS_RUN,
    PROFILE,
    SPDX,
    is_url,
    manifest_time,
    own,
    url_id,
)
from reverify.crates.entity import Entity

RELATIONS = ("citation", "isBasedOn", "subjectOf", "isPartOf", "sameAs")
GIVEN_ID = "given-id"
"""What the id of a capsule is, beside its id, if it was given to a stranger's crate."""
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_CREATIVE_COMMONS = re.compile(
    r"https?://creativecommons\.org/"
    r"(?:licenses/(?P<kind>by(?:-nc)?(?:-nd|-sa)?)|publicdomain/zero)"
    r"/(?P<version>[1-4]\.0)/?(?:deed\S*|legalcode)?"
)


# -- manifest to crate ---------------------------------------------------------------


def write_root(
    graph: Graph,
    document: Json,
    *,
    version: str,
    action: Json | None,
    parts: list[Json],
) -> None:
    """Write descriptor, root and profiles.

    Args:
        graph: where to.
        document: the manifest.
        version: of RO-Crate.
        action: the run, if the capsule tells of one.
        parts: all files.
    """
    graph.add(
        DESCRIPTOR,
        "CreativeWork",
        {
            "about": {"@id": graph.root},
            "conformsTo": {"@id": f"https://w3id.org/ro/crate/{version}"},
        },
    )
    manifest = stated({**document, "extra": None})
    publisher = manifest.get("publisher")
    number = manifest["id"]
    identifier = graph.value("id", "capsule id", f"urn:uuid:{number}", local="capsule")
    if graph.is_stranger:
        graph.append(identifier["@id"], "propertyID", [own(GIVEN_ID)])
    over = manifest.get("completed") or manifest["created"]
    graph.add(
        graph.root,
        "Dataset",
        {
            "name": manifest["title"],
            "description": manifest.get("description", description_of(manifest)),
            "identifier": identifier,
            "dateCreated": manifest["created"],
            "dateModified": manifest.get("completed"),
            "datePublished": over.upper(),
            "license": _write_license(graph, manifest.get("license")),
            "author": write_authors(graph, document),
            "publisher": publisher and write_organization(graph, publisher),
            "keywords": manifest.get("keywords"),
            "conformsTo": _write_profiles(graph, document) if action else None,
            "hasPart": list({part["@id"]: part for part in parts}.values()),
            "mentions": action,
            "additionalProperty": _own_values(graph, document),
        }
        | _write_works(graph, manifest.get("related") or []),
        derived=(
            "datePublished",
            *(() if "description" in manifest else ("description",)),
        ),
    )


def description_of(document: Json) -> str:
    """What is said of an analysis that has no description; RO-Crate wants one."""
    what = "files, the code and the run" if tells_of_a_run(document) else "files"
    return f"The {what} of: {document['title']}"


def write_authors(graph: Graph, document: Json) -> list[Json]:
    """Write who did it."""
    authors = document.get("authors") or ()
    return [write_person(graph, each, n) for n, each in enumerate(authors, 1)]


def _own_values(graph: Graph, document: Json) -> list[Json]:
    values = []
    if isinstance(document.get("notes"), str):
        values.append(graph.value("notes", "notes", document["notes"]))
    if isinstance(document.get("extra"), dict):
        text = json.dumps(document["extra"], ensure_ascii=False)
        values.append(graph.value("extra", "data of the registry", text))
    return values


def _write_profiles(graph: Graph, document: Json) -> list[Json]:
    """Say what the crate conforms to, and only what it does."""
    profiles = {PROCESS_RUN: ("Process Run Crate", "0.5")}
    if is_whole(document):
        profiles[PROFILE] = ("Reverify capsule", "1.0")
    return [
        graph.add(uri, ["CreativeWork", "Profile"], {"name": name, "version": version})
        for uri, (name, version) in profiles.items()
    ]


def _write_license(graph: Graph, license: str | None) -> Json | None:
    """Write a licence; an expression of several has no page of its own."""
    if license is None:
        return None
    from packaging.licenses import canonicalize_license_expression  # noqa: PLC0415

    canonical = str(canonicalize_license_expression(license))
    known = re.findall(r"[A-Za-z0-9.-]+", canonical)
    words = {"AND", "OR", "WITH"}
    pages = [f"{SPDX}{id}" for id in known if id not in words and _is_listed(id)]
    single = canonical if re.fullmatch(r"[A-Za-z0-9.-]+", canonical) else ""
    page = f"{SPDX}{single}" if single and _is_listed(single) else None
    id = graph.name(key_of("license", license), page, "license")
    what = "licence" if single else "expression of licences"
    return graph.add(
        id,
        "CreativeWork",
        {
            "name": license,
            "description": f"The {what} {license}, in the terms of the SPDX list.",
            "identifier": license,
            "url": list(dict.fromkeys(pages)),
        },
        derived=("name", "description", "url"),
    )


def _is_listed(id: str) -> bool:
    return not id.lower().startswith(("licenseref-", "documentref-"))


def _write_works(graph: Graph, works: list[Json]) -> dict[str, list[Json]]:
    found: dict[str, list[Json]] = {}
    for work in works:
        name = work.get("title", work["id"])
        derived = () if "title" in work else ("name",)
        id = url_id(work["id"])
        properties = {"name": name, "url": None if id == work["id"] else work["id"]}
        reference = graph.add(id, "CreativeWork", properties, derived)
        found.setdefault(work.get("relation", "citation"), []).append(reference)
    return found


# -- crate to manifest ---------------------------------------------------------------


def read_id(reader: Reader, root: Entity) -> str | None:
    """The id of the capsule, if the crate is one."""
    value = reader.own_value(root, "identifier", "id")
    reader.ids.pop("id", None)  # it is known as `capsule`, if it is one
    match = (
        re.fullmatch(f"urn:uuid:({_UUID})", value) if isinstance(value, str) else None
    )
    if match is None:
        return None
    for entity in reader.entities(root, "identifier"):
        if is_own(entity, "id"):
            reader.ids.setdefault("capsule", entity.id)
            reader.is_stranger = is_own(entity, GIVEN_ID)
            break
    return match[1]


def derived_id(reader: Reader, root: Entity) -> str:
    """An id for a crate that is no capsule's, the same each time it is read."""
    names = [root.id, *(text for text, _ in reader.links(root, "identifier"))]
    for entity in reader.entities(root, "identifier"):
        names += [v for v in entity.values("value") if isinstance(v, str)]
    known = next(
        (n for n in names if re.match("[a-z][a-z0-9+.-]*:", n, re.IGNORECASE)), None
    )
    if known is None:
        data = reader.metadata.text.encode("utf-8", "surrogatepass")
        known = f"urn:sha256:{hashlib.sha256(data).hexdigest()}"
    id = str(uuid5(NAMESPACE_URL, known))
    reader.remark(f"it has no capsule id; {id} is derived from {known}")
    return id


def read_root(reader: Reader, root: Entity) -> Json:
    """Read what the root says, but for its name and id."""
    found: Json = {}
    if (description := reader.text(root, "description")) is not None:
        found["description"] = description
    created = _created(reader, root)
    if created is not None:
        found["created"] = created
    if not reader.is_stranger:
        completed = reader.text(root, "dateModified")
        if completed and manifest_time(completed):
            found["completed"] = completed
    parts = {
        "license": _read_license(reader, root),
        "authors": _read_authors(reader, root),
        "publisher": _read_publisher(reader, root),
        "keywords": _read_keywords(reader, root),
        "related": list(_read_works(reader, root)),
    }
    found |= {key: value for key, value in parts.items() if value}
    notes = reader.own_value(root, "additionalProperty", "notes")
    if isinstance(notes, str):
        found["notes"] = notes
    return found


def _read_authors(reader: Reader, root: Entity) -> list[Json]:
    key = "author" if root.values("author") else "creator"
    found = (read_person(reader, root, key, value) for value in root.values(key))
    return [person for person in found if person]


def _read_publisher(reader: Reader, root: Entity) -> Json | None:
    for value in root.values("publisher"):
        if publisher := read_organization(reader, root, "publisher", value):
            return publisher
    return None


def _created(reader: Reader, root: Entity) -> str | None:
    for key in ("dateCreated", "datePublished", "dateModified"):
        text = root.text(key)
        if text is None:
            continue
        if key == "dateCreated":
            reader.use(root, key, text)
        if manifest_time(text):
            return text
        match = re.fullmatch(
            r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(\.\d+)?)?)?)?",
            text,
        )
        if match:
            year, month, day, clock, fraction = match.groups()
            clock = f"{clock}:00" if clock and clock.count(":") == 1 else clock
            moment = (
                f"{year}-{month or '01'}-{day or '01'}T{clock or '00:00:00'}"
                f"{fraction or ''}Z"
            )
            if manifest_time(moment):
                reader.remark(f"{key} {text!r} names no zone; {moment} is taken")
                return moment
    return None


def _read_license(reader: Reader, root: Entity) -> str | None:
    from packaging.licenses import (  # noqa: PLC0415
        InvalidLicenseExpression,
        canonicalize_license_expression,
    )

    def is_spdx(text: str) -> bool:
        try:
            canonicalize_license_expression(text)
        except InvalidLicenseExpression:
            return False
        return True

    values = list(reader.links(root, "license"))
    for text, value in values:
        entity = reader.metadata.by_id.get(text)
        names = [] if entity is None else [*reader.links(entity, "identifier")]
        for name in [*(name for name, _ in names), text]:
            if (license := _spdx_id(name)) and is_spdx(license):
                reader.use(root, "license", value)
                if entity is not None:
                    reader.ids.setdefault(key_of("license", license), entity.id)
                return license
    if values:
        reader.remark(
            f"its licence {values[0][0][:80]!r} is none of SPDX, and left out"
        )
    return None


def _spdx_id(name: str) -> str:
    if match := _CREATIVE_COMMONS.fullmatch(name):
        kind = match["kind"]
        return f"CC-{kind.upper()}-{match['version']}" if kind else "CC0-1.0"
    bare = re.sub(r"^https?://(www\.)?spdx\.org/licenses/", "", name)
    return bare.removesuffix(".html").removesuffix(".json") if bare != name else name


def _read_keywords(reader: Reader, root: Entity) -> list[str]:
    """Keywords; one text alone may name several.

    Source: schema.org, `keywords`: "delimited by commas".
    """
    found = [value for value in root.values("keywords") if isinstance(value, str)]
    for value in found:
        reader.use(root, "keywords", value)
    if len(found) == 1 and "," in found[0]:
        return [word for part in found[0].split(",") if (word := part.strip())]
    return found


def _read_works(reader: Reader, root: Entity) -> Iterator[Json]:
    for relation in RELATIONS:
        for text, value in reader.links(root, relation):
            if not is_url(text):
                reader.remark(f"{relation} {text[:80]!r} is no web address, left out")
                continue
            reader.use(root, relation, value)
            entity = reader.metadata.by_id.get(text)
            work: Json = {"id": text, "relation": relation}
            if entity is not None:
                url = reader.text(entity, "url", form=r"https?://\S+")
                if url and url_id(url) == text:
                    work["id"] = url
                title = reader.text(entity, "name")
                if title not in {None, work["id"]}:
                    work["title"] = title
            yield work
