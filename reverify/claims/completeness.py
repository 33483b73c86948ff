"""Completeness: these files and folders are in the crate."""

from collections.abc import Callable, Iterator

from reverify.claims import ocfl
from reverify.crates.bag import Bag
from reverify.crates.crate import Crate
from reverify.crates.names import Fragment, Web
from reverify.model.claim import Claim, Place, Topic
from reverify.model.outcome import ClaimKind, Severity


def claims(crate: Crate) -> Iterator[Claim]:
    """Every File and Dataset of the graph, and all that bags and inventories list."""
    metadata = crate.metadata
    if metadata is not None:
        for entity, located in crate.data_entities():
            if isinstance(located.target, Fragment):
                continue
            topic, severity = Topic.PRESENCE, Severity.ERROR
            expected = "present:file"
            if "File" not in entity.types:
                expected = "present:directory"
            if isinstance(located.target, Web):
                topic, severity = Topic.WEB, Severity.WARNING
            elif located.path is None and located.fault is None:
                topic, severity = Topic.ELSEWHERE, Severity.NOTE
            yield Claim(
                kind=ClaimKind.COMPLETENESS,
                topic=topic,
                subject=entity.id,
                expected=expected,
                stated_in=metadata.place(f"{entity.pointer}/@id"),
                path=located.path,
                severity=severity,
                fault=located.fault,
            )
    if crate.bags:
        ids = crate.entity_ids()
        for bag in crate.bags:
            yield from _bag_claims(bag, ids.get)
    if crate.ocfl:
        yield from ocfl.completeness_claims(crate.ocfl)


def _bag_claims(bag: Bag, id_of: Callable[[str], str | None]) -> Iterator[Claim]:
    seen = set()
    for manifest in bag.manifests:
        for path, _, where in manifest.listed:
            if path not in seen:
                seen.add(path)
                yield Claim(
                    kind=ClaimKind.COMPLETENESS,
                    topic=Topic.BAG_FILE,
                    subject=id_of(path) or path,
                    expected="present:file",
                    stated_in=where,
                    path=path,
                )
        yield Claim(
            kind=ClaimKind.COMPLETENESS,
            topic=Topic.BAG_LISTING,
            subject=manifest.file,
            expected=f"lists:{'tag files' if manifest.of_tags else 'payload'}",
            stated_in=Place(manifest.file),
            path=manifest.file,
        )
    if bag.oxum:
        yield Claim(
            kind=ClaimKind.COMPLETENESS,
            topic=Topic.BAG_OXUM,
            subject=bag.oxum.file,
            expected=f"oxum:{bag.oxum.octets}.{bag.oxum.files}",
            stated_in=Place(bag.oxum.file, "", bag.oxum.line),
            path=bag.oxum.file,
        )
