"""What an OCFL object says of itself: which files it has, with which digests.

A digest of a file of the newest version is a claim about that file, as it would be in a
bag. What else lies in the object is no file of the crate: claims about it have no path,
and its path from the object's root as their subject.
"""

from collections.abc import Callable, Iterator

from reverify.crates.inventory import INVENTORY, Stated
from reverify.crates.ocfl import OcflPayload
from reverify.model.claim import Claim, Place, Topic
from reverify.model.outcome import ClaimKind, Severity


def completeness_claims(ocfl: OcflPayload) -> Iterator[Claim]:
    """Every content file, the inventory as their list, and those of all versions.

    Source: OCFL 1.1, sections 3.3.1, 3.5.2 and 3.7.
    """
    kind, topic = ClaimKind.COMPLETENESS, Topic.OCFL_FILE
    inventory, expected = ocfl.object.inventory, "present:file"
    for stated in inventory.stated_of_content():
        yield Claim(kind, topic, stated.path, expected, stated.place)
    place = inventory.place("manifest")
    yield Claim(kind, Topic.OCFL_LISTING, INVENTORY, "lists:content", place)
    for file in ocfl.object.inventories.values():
        where = Place(ocfl.object.base + file)
        yield Claim(kind, Topic.OCFL_VERSION, file, f"agrees:{INVENTORY}", where)


def fixity_claims(
    ocfl: OcflPayload, id_of: Callable[[str], str | None]
) -> Iterator[Claim]:
    """Every digest that the inventories and their sidecars state.

    Args:
        ocfl: the object.
        id_of: the @id of the entity that describes a file, by its path.
    """
    object, kind = ocfl.object, ClaimKind.FIXITY
    for stated in object.inventory.stated_of_files():
        topic = Topic.DIGEST if stated.known else Topic.DIGEST_FOREIGN
        path, expected, where, _ = stated
        if not ocfl.is_claimed(path):
            continue
        yield Claim(kind, topic, id_of(path) or path, expected, where, path)
    in_use = ocfl.in_use
    for stated in object.inventory.stated_of_content():
        if stated.path not in in_use:  # the others are spoken of by their names
            yield _of_the_object(stated, Severity.ERROR)
    for stated in object.inventory.stated_in_fixity():
        yield _of_the_object(stated, Severity.NOTE)
    for stated in object.digests:
        yield _of_the_object(stated, Severity.ERROR)


def _of_the_object(stated: Stated, if_foreign: Severity) -> Claim:
    """A claim about what is no file of the crate.

    An algorithm of the fixity block that is not known is to be passed over, says the
    specification: section 3.4, "Digests".
    """
    return Claim(
        kind=ClaimKind.FIXITY,
        topic=Topic.OCFL_DIGEST if stated.known else Topic.DIGEST_FOREIGN,
        subject=stated.path,
        expected=stated.expected,
        stated_in=stated.place,
        severity=Severity.ERROR if stated.known else if_foreign,
    )
