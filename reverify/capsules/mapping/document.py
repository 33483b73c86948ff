"""A manifest written as a metadata document."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from reverify.capsules.mapping import residue
from reverify.capsules.mapping.about import write_authors, write_root
from reverify.capsules.mapping.code import write_code
from reverify.capsules.mapping.files import (
    write_file,
    write_generated_file,
    write_manifest_file,
)
from reverify.capsules.mapping.graph import Graph, terms_in
from reverify.capsules.mapping.interface import (
    VERSIONS,
    CodeFacts,
    Files,
    GeneratedFile,
    Json,
    Measured,
)
from reverify.capsules.mapping.keeping import (
    KEPT,
    add_entities,
    add_properties,
    check_kept,
    kept_context,
    new_graph,
    nothing_kept,
    say_as_kept,
    without_kept,
)
from reverify.capsules.mapping.reader import Reader
from reverify.capsules.mapping.reading import read_graph
from reverify.capsules.mapping.run import tells_of_a_run, write_run
from reverify.capsules.mapping.software import write_container
from reverify.capsules.mapping.terms import DESCRIPTOR, context
from reverify.crates.limits import Limits
from reverify.crates.metadata import Metadata
from reverify.errors import CapsuleError
from reverify.model.capsule import Manifest, Role

_LIMITS = Limits(entities=1 << 40, values=1 << 40)


def crate_document(
    manifest: Manifest,
    files: Files,
    *,
    ro_crate: str = "1.2",
    code: CodeFacts | None = None,
    manifest_path: str | None = "capsule.json",
    extra: Sequence[GeneratedFile] = (),
    kept: Json | None = None,
) -> Json:
    """Write the metadata document of a capsule; the same each time.

    Args:
        manifest: what the capsule is.
        files: what was found of its files, by path; a file that is not there is
            written with what the manifest states of it.
        ro_crate: the version of RO-Crate, 1.1, 1.2 or 1.3.
        code: what was looked up of the code.
        manifest_path: where the crate has the manifest's original bytes; None if it
            does not have them.
        extra: files that were generated for the crate.
        kept: what an earlier crate of this capsule said beside its manifest, as
            `foreign` gives it.

    Raises:
        CapsuleError: there is no such version, or `kept` is not what was kept.
    """
    if ro_crate not in VERSIONS:
        raise CapsuleError(
            f"RO-Crate {ro_crate} is not written; choose {', '.join(VERSIONS)}"
        )
    check_kept(kept)
    facts = code or CodeFacts()
    told = dict(manifest.document) if kept is None else without_kept(manifest.document)
    graph = write_graph(told, files, ro_crate=ro_crate, facts=facts, kept=kept)
    say_as_kept(graph, kept)
    parts = [write_generated_file(graph, file) for file in extra]
    if manifest_path is not None:
        measured = Measured(len(manifest.data), manifest.sha256)
        parts.insert(0, write_manifest_file(graph, manifest_path, measured))
    graph.append(graph.root, "hasPart", parts)
    add_entities(graph, kept)
    add_properties(graph, kept)
    read = _as_read(graph, ro_crate, kept)
    if kept:
        plain = write_graph(
            told,
            files,
            ro_crate=ro_crate,
            facts=facts,
            kept={**nothing_kept(), "is_stranger": kept["is_stranger"]},
        )
        _see_that_it_fits(read, told, _as_read(plain, ro_crate, None), files)
    if text := residue.residue(read, told):
        id = graph.name(residue.KIND, None, "manifest-residue")
        left = graph.add(id, "PropertyValue", residue.properties(text))
        graph.append(graph.root, "additionalProperty", [left])
        add_properties(graph, kept)
    return _document(graph, ro_crate, kept)


def write_graph(
    document: Mapping[str, Any],
    files: Files,
    *,
    ro_crate: str,
    facts: CodeFacts,
    kept: Json | None = None,
) -> Graph:
    """Write what a manifest says, each value once in its natural place.

    A capsule that tells nothing of a run has none in its crate.
    """
    manifest = dict(document)
    graph = new_graph(kept)
    graph.add(DESCRIPTOR, "CreativeWork", {})
    graph.add(graph.root, "Dataset", {})
    has_run = tells_of_a_run(manifest)
    instrument, parts = (
        write_code(graph, manifest, files, facts) if has_run else ({}, [])
    )
    link = "url" if ro_crate == "1.1" else "contentUrl"
    accessed = _accessed(manifest)
    roles = {"inputs": Role.INPUT, "outputs": Role.OUTPUT, "files": Role.OTHER}
    inputs, outputs, others = (
        [
            write_file(graph, record, files, role, accessed=accessed, link=link)
            for record in manifest.get(key) or ()
        ]
        for key, role in roles.items()
    )
    environment = manifest.get("environment") or {}
    action = None
    if has_run:
        action = write_run(
            graph,
            manifest,
            code=instrument,
            inputs=inputs,
            outputs=outputs,
            agents=write_authors(graph, manifest),
            container=write_container(graph, environment.get("container")),
        )
    parts = [*inputs, *outputs, *parts, *others]
    write_root(graph, manifest, version=ro_crate, action=action, parts=parts)
    return graph


def _accessed(document: Json) -> str:
    """When web addresses were told to hold what is said of them."""
    started = (document.get("run") or {}).get("started")
    return str(started or document["created"]).upper()


def _as_read(graph: Graph, version: str, kept: Json | None) -> Json:
    data = json.dumps(_document(graph, version, kept)).encode()
    read, _ = read_graph(Reader(Metadata(DESCRIPTOR, data, _LIMITS)))
    return read


def _see_that_it_fits(read: Json, told: Json, plain: Json, files: Files) -> None:
    """See that what is kept of an earlier crate does not gainsay the manifest.

    Args:
        read: what the graph says with what is kept.
        told: what the manifest says.
        plain: what the graph would say without what is kept.
        files: what was found of the files.

    Raises:
        CapsuleError: it does.
    """
    is_measured = True
    for file in Manifest(data=b"", document=read).files():
        if (found := files.get(file.path or "")) is not None:
            is_measured &= file.record.get("size") in {None, found.size}
            is_measured &= file.record.get("sha256") in {None, found.sha256}
    wanted = (_unmeasured(told), _unmeasured(plain))
    if not is_measured or not any(residue.same(_unmeasured(read), w) for w in wanted):
        raise CapsuleError(
            f"what the manifest keeps of an earlier crate, /extra/{KEPT}, says"
            " otherwise than the manifest itself; take it out, or import that crate"
            " again"
        )


def _unmeasured(document: Json) -> Json:
    """A manifest without sizes and digests of files, which are measured anew."""
    found: Json = json.loads(json.dumps(document))
    for file in Manifest(data=b"", document=found).files():
        cast("Json", file.record).pop("size", None)
        cast("Json", file.record).pop("sha256", None)
    return found


def _document(graph: Graph, version: str, kept: Json | None) -> Json:
    others = kept["others"] if kept else []
    used = [*graph.terms(), *terms_in(others)]
    parts = kept_context(context(version, used), kept)
    rest = kept["document"] if kept else {}
    return {
        **rest,
        "@context": parts if len(parts) > 1 else parts[0],
        "@graph": [*graph.entities.values(), *others],
    }
