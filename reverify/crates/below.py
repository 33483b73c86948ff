"""One folder of a payload as a payload of its own: a crate inside a crate."""

from collections.abc import Collection, Iterator, Mapping
from typing import BinaryIO

from reverify.crates.digests import Fingerprint
from reverify.crates.payload import Entry, Payload


class BelowPayload(Payload):
    """What lies below one folder of another payload; it is closed with this one.

    Args:
        outer: the payload that has the folder.
        folder: its path, without a slash behind.
    """

    def __init__(self, outer: Payload, folder: str) -> None:
        super().__init__(outer.budget)
        self.format = outer.format
        self._outer = outer
        self._prefix = folder + "/"

    def close(self) -> None:
        """Close the outer payload."""
        self._outer.close()

    def fingerprints(
        self, wanted: Mapping[str, Collection[str]]
    ) -> Iterator[tuple[str, Fingerprint]]:
        """Digest files as the outer payload does."""
        size = len(self._prefix)
        outer = {self._prefix + path: names for path, names in wanted.items()}
        for path, found in self._outer.fingerprints(outer):
            yield path[size:], found

    def _list(self) -> dict[str, Entry]:
        size = len(self._prefix)
        entries = self._outer.entries
        self.faults = [
            fault
            for fault in self._outer.faults
            if fault.subject.startswith(self._prefix)
        ]
        return {
            path[size:]: entry
            for path, entry in entries.items()
            if path.startswith(self._prefix)
        }

    def _open(self, path: str) -> BinaryIO:
        return self._outer._open(self._prefix + path)  # noqa: SLF001 - both are payloads
