"""A lone metadata document: a crate of which only the description is at hand."""

import hashlib
import io
from collections.abc import Mapping
from typing import BinaryIO

from reverify.crates.digests import Fingerprint
from reverify.crates.limits import Budget
from reverify.crates.payload import Entry, EntryKind, Payload


class DocumentPayload(Payload):
    """One file, the metadata document, and no payload.

    Args:
        name: the document's file name.
        data: its bytes.
        budget: what may be read.
    """

    format = "document"

    def __init__(self, name: str, data: bytes, budget: Budget) -> None:
        super().__init__(budget)
        self._name = name
        self._data = data

    def _list(self) -> dict[str, Entry]:
        return {self._name: Entry(EntryKind.FILE, len(self._data))}

    def _open(self, path: str) -> BinaryIO:
        del path  # there is only one
        return io.BytesIO(self._data)

    @property
    def needs_every_digest(self) -> bool:
        """No: the document itself is digested."""
        return False

    def identity(self, found: Mapping[str, Fingerprint]) -> dict[str, str]:
        """The sha256 of the document."""
        del found
        return {"sha256": hashlib.sha256(self._data).hexdigest()}
