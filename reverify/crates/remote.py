"""A crate in a folder of some storage that fsspec reaches: `s3://`, `memory://`, ..."""

from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, BinaryIO

from reverify.crates.digests import Fingerprint
from reverify.crates.limits import Budget
from reverify.crates.names import member_path
from reverify.crates.payload import Entry, EntryKind, Fault, Payload
from reverify.errors import CrateError


class RemotePayload(Payload):
    """The objects below one prefix of an fsspec file system.

    Args:
        fs: the file system.
        root: the prefix, in the file system's own spelling.
        budget: what may be read.
    """

    format = "directory"

    def __init__(self, fs: Any, root: str, budget: Budget) -> None:  # noqa: ANN401 - fsspec has no types
        super().__init__(budget)
        self._fs = fs
        self._root = root.rstrip("/")

    def _list(self) -> dict[str, Entry]:
        found: dict[str, Entry] = {}
        listing = self._fs.find(self._root, withdirs=True, detail=True)
        for count, (name, info) in enumerate(sorted(listing.items())):
            if count >= self.budget.limits.files:
                reason = f"listing stopped after {count:,} names"
                self.faults.append(Fault("completeness/limit-reached", "./", reason))
                break
            below = name[len(self._root) :].lstrip("/")
            try:
                path = member_path(below)
            except CrateError as error:
                self.faults.append(Fault(error.rule, below, error.reason))
                continue
            if not path:
                continue
            if info["type"] == "directory" or name.endswith("/"):
                found[path] = Entry(EntryKind.FOLDER)
            else:
                found[path] = Entry(EntryKind.FILE, int(info.get("size") or 0))
        return found

    def _open(self, path: str) -> BinaryIO:
        stream: BinaryIO = self._fs.open(f"{self._root}/{path}", "rb")
        return stream

    def fingerprints(
        self, wanted: Mapping[str, Collection[str]]
    ) -> Iterator[tuple[str, Fingerprint]]:
        """Digest objects, several at a time: most of it is waiting."""

        def one(path: str) -> tuple[str, Fingerprint]:
            return path, self.fingerprint(path, wanted[path])

        with ThreadPoolExecutor(4 * self.budget.limits.jobs) as pool:
            yield from pool.map(one, wanted)
