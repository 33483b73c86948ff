"""Finds the OCFL object that a crate is, or lies in.

Source: OCFL 1.1, 3.3 Object Conformance Declaration, and 4.1 Root Structure.
"""

import os
from pathlib import Path

_VERSIONS = ("1.1", "1.0")


def ocfl_object(crate: str) -> str | None:
    """The path of the object that has a crate in it; None if there is none.

    Args:
        crate: where the crate is; of an address nothing is looked for.
    """
    if "://" in crate or "\0" in crate:
        return None
    place = Path(crate)
    for folder in (place, *place.parents):
        if _declares(folder, "0=ocfl_object_"):
            return str(folder)
        if _declares(folder, "0=ocfl_"):  # a storage root lies in no object
            return None
    return None


def _declares(folder: Path, name: str) -> bool:
    """Whether a declaration lies there; by its name, as folders may be large."""
    return any(os.path.isfile(folder / f"{name}{version}") for version in _VERSIONS)  # noqa: PTH113 - what may not be read is not there
