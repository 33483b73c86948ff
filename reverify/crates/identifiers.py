"""The SWHIDs that a crate carries, and what they say beside the object they name."""

from collections.abc import Iterator
from typing import NamedTuple

from reverify.crates.citations import Document
from reverify.crates.code import Text
from reverify.crates.code_files import identifier_texts
from reverify.crates.crate import Crate
from reverify.model.claim import Place, Topic
from reverify.model.swhid import (
    InvalidSwhid,
    Swhid,
    looks_like_swhid,
    read_swhid,
    without_resolver,
)

_ARCHIVE = "archive.softwareheritage.org/"
_NOT_OWN = frozenset({"isBasedOn"})


class Identifier(NamedTuple):
    """A SWHID that an entity, or a file about code, carries.

    Attributes:
        subject: the @id of the entity; the path of the file.
        text: the identifier as written, without a resolver's address.
        swhid: the same, read.
        place: where it stands.
        outright: whether it is said in so many words that the archive has it: by
            `archivedAt`, by an address of the archive, or by naming a visit.
        own: whether it identifies the entity itself, and not what it is based on.
        path: of the file about code, or "".
    """

    subject: str
    text: str
    swhid: Swhid | InvalidSwhid
    place: Place
    outright: bool
    own: bool
    path: str = ""


def identifiers(crate: Crate) -> list[Identifier]:
    """Every SWHID that a crate carries, each once an entity."""
    found: dict[tuple[str, str, str], Identifier] = {}
    for subject, document, text in identifier_texts(crate):
        if not looks_like_swhid(text.text):
            continue
        bare = without_resolver(text.text)
        path = document.path if document else ""
        key = subject, path, bare
        outright = _is_outright(text)
        if key not in found:
            swhid = read_swhid(bare)
            visited = isinstance(swhid, Swhid) and swhid.qualifier("visit")
            found[key] = Identifier(
                subject=subject,
                text=bare,
                swhid=swhid,
                place=_place(crate, document, text.pointer),
                outright=outright or bool(visited),
                own=text.key not in _NOT_OWN,
                path=path,
            )
        elif outright and not found[key].outright:
            found[key] = found[key]._replace(outright=True)
    return list(found.values())


def core_swhids(crate: Crate) -> list[str]:
    """The core SWHIDs that testing a crate takes, each once: for asking in batches.

    Those of the qualifiers are among them.
    """
    return list(dict.fromkeys(cores_of(identifiers(crate))))


def cores_of(found: list[Identifier]) -> Iterator[str]:
    """The core SWHIDs of identifiers and of their qualifiers."""
    for identifier in found:
        if isinstance(identifier.swhid, Swhid):
            yield identifier.swhid.core
            for name in ("visit", "anchor"):
                core = identifier.swhid.qualifier(name)
                if core:
                    yield core


def statements(found: list[Identifier]) -> Iterator[tuple[Topic, str, Identifier]]:
    """What identifiers state, one thing at a time: topic, canonical text, by whom."""
    for identifier in found:
        swhid = identifier.swhid
        yield Topic.SWHID, identifier.text, identifier
        if isinstance(swhid, InvalidSwhid):
            continue
        origin = swhid.qualifier("origin")
        if origin:
            yield Topic.SWHID_ORIGIN, f"origin:{origin}", identifier
        if visit := swhid.qualifier("visit"):
            yield Topic.SWHID_VISIT, f"visit:{visit} of {origin}", identifier
        if anchor := swhid.qualifier("anchor"):
            path = swhid.qualifier("path") or "/"
            yield Topic.SWHID_PATH, f"{swhid.core} at {path} of {anchor}", identifier
        elif swhid.type == "dir" and identifier.own:
            for other in found:
                if _is_commit_beside(identifier, other):
                    assert isinstance(other.swhid, Swhid)  # noqa: S101 - just seen
                    text = f"{swhid.core} of {other.swhid.core}"
                    yield Topic.SWHID_TREE, text, identifier


def _is_commit_beside(tree: Identifier, other: Identifier) -> bool:
    same = (tree.subject, tree.path) == (other.subject, other.path) and other.own
    return same and isinstance(other.swhid, Swhid) and other.swhid.type == "rev"


def _is_outright(text: Text) -> bool:
    return (
        text.key == "archivedAt" or _ARCHIVE in text.text.lower().partition("swh:")[0]
    )


def _place(crate: Crate, document: Document | None, pointer: str) -> Place:
    if document is not None or crate.metadata is None:
        path, locate = (document.path, document.locate) if document else ("", None)
        return Place(path, pointer, None, locate)
    return crate.metadata.place(pointer)
