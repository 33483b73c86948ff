"""The code and what it ran in: `code` and most of `environment` of a manifest.

Code with an address on the web and a version is a SoftwareApplication with that
address, of which included files are parts. Otherwise the first included file itself is
the instrument, a script: an application without version or address breaks a rule of
RO-Crate 1.2. Where neither is possible, what is known is written all the same.
"""

import re

from reverify.capsules.mapping.files import local_path, read_file, write_file
from reverify.capsules.mapping.graph import Graph, stated
from reverify.capsules.mapping.interface import CodeFacts, Files, Json
from reverify.capsules.mapping.reader import Reader
from reverify.capsules.mapping.software import (
    read_container,
    read_language,
    read_packages,
    read_software,
    write_language,
    write_package,
    write_software,
)
from reverify.capsules.mapping.terms import (
    ARCHIVE,
    SWHID_RESOLVER,
    basename,
    is_url,
    url_id,
)
from reverify.claims.source import references
from reverify.crates.entity import Entity
from reverify.crates.names import path_fault
from reverify.model.capsule import Role
from reverify.model.swhid import InvalidSwhid, Swhid, read_swhid

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SHA1 = 40
_RUNNABLE = frozenset(
    {"SoftwareApplication", "SoftwareSourceCode", "ComputationalWorkflow"}
)


# -- manifest to crate ---------------------------------------------------------------


def write_code(
    graph: Graph, document: Json, files: Files, facts: CodeFacts
) -> tuple[Json, list[Json]]:
    """Write the code.

    Returns:
        a reference to it, and references to the files that it and the lock file are.
    """
    code = stated(document.get("code") or {})
    environment = stated(document.get("environment") or {})
    included = [
        write_file(graph, file, files, Role.CODE) for file in code.get("files") or ()
    ]
    lock = environment.get("lock_file")
    parts = [*included, *([write_file(graph, lock, files, Role.LOCK)] if lock else [])]
    commit = facts.commit or code.get("git_commit")
    tree = facts.tree or code.get("git_tree_hash")
    swhids = _swhids(code, commit, tree, facts)
    addresses = _addresses(code, swhids)
    versions = [each for each in (code.get("version"), commit) if each]
    properties: Json = {
        "name": code.get("name") or code_name(document),
        "version": versions,
        "codeRepository": code.get("repository"),
        "identifier": list(dict.fromkeys(map(str, swhids))),
        "archivedAt": _archived_at(swhids),
        "programmingLanguage": write_language(graph, code.get("language")),
        "runtimePlatform": write_software(graph, environment.get("interpreter")),
        "softwareRequirements": [
            write_package(graph, package, number)
            for number, package in enumerate(environment.get("packages") or (), 1)
        ],
        "buildInstructions": parts[-1] if lock else None,
        "additionalProperty": _own_values(graph, code),
    }
    derived = set() if code.get("name") else {"name"}
    if not included or (addresses and versions):
        address = next((a for a in addresses if a not in graph.entities), None)
        id = graph.name("code", address, "code")
        properties |= {"url": addresses[:1], "hasPart": included}
        graph.add(id, "SoftwareApplication", properties, {"url", *derived})
        return {"@id": id}, parts
    paths = [file["path"] for file in code["files"]]
    main = paths.index(code["path"]) if code.get("path") in paths else 0
    id = graph.ids.setdefault("code", included[main]["@id"])
    others = [part for part in included if part["@id"] != id]
    types = ["File", "SoftwareSourceCode"]
    graph.add(id, types, properties | {"hasPart": others}, derived)
    return {"@id": id}, parts


def code_name(document: Json) -> str:
    """What to call code that has no name: by its path, repository, or command."""
    code = document.get("code") or {}
    command = (document.get("run") or {}).get("command") or []
    repository = (code.get("repository") or "").rstrip("/").removesuffix(".git")
    names = (
        basename(code.get("path") or ""),
        re.split("[/:]", repository)[-1],
        basename(command[0].rstrip("/")) if command else "",
    )
    return next((name for name in names if name), "the code that was run")


def _own_values(graph: Graph, code: Json) -> list[Json]:
    values = []
    if "path" in code:
        name = "path in the repository"
        values.append(graph.value("code-path", name, code["path"]))
    if "dirty" in code:
        text = "true" if code["dirty"] else "false"
        name = "work tree had uncommitted changes"
        values.append(graph.value("dirty", name, text))
    return values


def _swhids(
    code: Json, commit: str | None, tree: str | None, facts: CodeFacts
) -> list[Swhid]:
    """The identifiers of the code; the first with qualifiers where they are known."""
    snapshot = code.get("swh_snapshot_id")
    kinds = (("dir", tree), ("rev", commit))
    known = [Swhid(kind, hex) for kind, hex in kinds if hex and len(hex) == _SHA1]
    qualifiers = []
    if origin := code.get("swh_origin_url"):
        # In qualifiers `;` and `%` have a meaning of their own.
        escaped = origin.replace("%", "%25").replace(";", "%3B")
        qualifiers.append(("origin", escaped))
        if snapshot:
            qualifiers.append(("visit", snapshot))
    if known and qualifiers:
        if known[0].type == "dir" and len(known) > 1:
            # An anchor counts only beside a path; that of the whole tree is `/`.
            qualifiers += [("anchor", known[1].core), ("path", "/")]
        known[0] = Swhid(known[0].type, known[0].hex, tuple(qualifiers))
    if snapshot and not (known and known[0].qualifiers):
        known.append(Swhid("snp", snapshot.rpartition(":")[2]))
    computed = [each for text in facts.swhids if (each := _swhid(text))]
    cores = {each.core for each in known}
    return known + [each for each in computed if each.core not in cores]


def _swhid(text: str) -> Swhid | None:
    found = read_swhid(text)
    return None if isinstance(found, InvalidSwhid) else found


def _archived_at(swhids: list[Swhid]) -> str | None:
    """Where the archive has it: said only if it was seen there."""
    first = swhids[0] if swhids else None
    if first is None or "visit" not in dict(first.qualifiers):
        return None
    return url_id(f"{ARCHIVE}{first}")


def _addresses(code: Json, swhids: list[Swhid]) -> list[str]:
    """Addresses that can name the code, the best first."""
    links = (code.get("repository"), code.get("swh_origin_url"))
    revision = next((each.core for each in swhids if each.type in {"rev", "dir"}), "")
    found = [
        _archived_at(swhids),
        *(url_id(link) for link in links if link and is_url(link)),
        f"{SWHID_RESOLVER}{revision}" if revision else None,
    ]
    return [address for address in found if address]


# -- crate to manifest ---------------------------------------------------------------


def find_code(reader: Reader, action: Entity) -> Entity | None:
    """The entity of what was run."""
    instruments = list(reader.entities(action, "instrument"))
    known = [each for each in instruments if _RUNNABLE.intersection(each.types)]
    found = next(iter(known or instruments), None)
    if found is not None:
        reader.ids["code"] = found.id
        if len(instruments) > 1:
            reader.remark(f"{action.id}: has several instruments; {found.id} is taken")
    return found


def read_code(reader: Reader, entity: Entity) -> Json:
    """Read what was run; its name is left out later if it says nothing."""
    code: Json = {}
    if (name := reader.text(entity, "name")) is not None:
        code["name"] = name
    _read_versions(reader, entity, code)
    _read_swhids(reader, entity, code)
    _read_repository(reader, entity, code)
    path = reader.own_value(entity, "additionalProperty", "code-path")
    if isinstance(path, str) and path and not path_fault(path):
        code["path"] = path
    dirty = reader.own_value(entity, "additionalProperty", "dirty")
    if dirty in ("true", "false"):  # of a set it would need a hash
        code["dirty"] = dirty == "true"
    if language := read_language(reader, entity):
        code["language"] = language
    files = _included(reader, entity)
    if files:
        code["files"] = files
        if files[0]["path"] == local_path(entity.id):
            code.pop("name", None)  # it is the file's
        if "path" not in code and local_path(entity.id) == files[0]["path"]:
            code["path"] = files[0]["path"]
    return code


def _read_repository(reader: Reader, entity: Entity, code: Json) -> None:
    """Where it is, and the commit that a link to it pins."""
    for text, value in reader.links(entity, "codeRepository"):
        if text:
            reader.use(entity, "codeRepository", value)
            code["repository"] = text
            break
    for reference, _ in references(entity):
        code.setdefault("git_commit", reference.commit)
        if reference.origin and reference.commit == code["git_commit"]:
            code.setdefault("repository", reference.origin)


def _included(reader: Reader, entity: Entity) -> list[Json]:
    ids = [entity.id] if local_path(entity.id) and "File" in entity.types else []
    ids += reader.metadata.references(entity, "hasPart")
    return [
        file for id in ids if (file := read_file(reader, id, "code", with_url=False))
    ]


def _read_versions(reader: Reader, entity: Entity, code: Json) -> None:
    for key in ("softwareVersion", "version"):
        for value in entity.values(key):
            if not isinstance(value, str):
                continue
            where = "git_commit" if _COMMIT.fullmatch(value) else "version"
            if where not in code:
                code[where] = value
                reader.use(entity, key, value)


def _read_swhids(reader: Reader, entity: Entity, code: Json) -> None:
    found: dict[str, str] = {}
    for key in ("identifier", "archivedAt", "@id"):
        for text, value in reader.links(entity, key):
            swhid = _swhid(text)
            if swhid is None:
                continue
            reader.use(entity, key, value)
            qualifiers = dict(swhid.qualifiers)
            found.setdefault(swhid.type, swhid.hex)
            anchor = _swhid(qualifiers.get("anchor", ""))
            visit = _swhid(qualifiers.get("visit", ""))
            for other in (anchor, visit):
                if other is not None:
                    found.setdefault(other.type, other.hex)
            origin = qualifiers.get("origin", "")
            origin = origin.replace("%3B", ";").replace("%25", "%")
            if is_url(origin):
                found.setdefault("origin", origin)
    keys = {"rev": "git_commit", "dir": "git_tree_hash", "origin": "swh_origin_url"}
    for kind, key in keys.items():
        if kind in found:
            code.setdefault(key, found[kind])
    if "snp" in found:
        code["swh_snapshot_id"] = f"swh:1:snp:{found['snp']}"


def read_environment(reader: Reader, action: Entity, entity: Entity | None) -> Json:
    """Read what the code ran in, but for the platform."""
    environment: Json = {}
    if entity is not None:
        if interpreter := read_software(reader, entity, "runtimePlatform"):
            environment["interpreter"] = interpreter
        if packages := read_packages(reader, entity):
            environment["packages"] = packages
        for id in reader.metadata.references(entity, "buildInstructions"):
            if file := read_file(reader, id, "lock file", with_url=False):
                environment["lock_file"] = file
                break
    if container := read_container(reader, action):
        environment["container"] = container
    return environment
