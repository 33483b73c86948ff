"""The ids of many files, hashed while others are still being listed."""

from collections.abc import Callable, Iterator

from reverify.crates import hashing
from reverify.crates.digests import Fingerprint
from reverify.crates.workers import Batch, Reading

BATCH_FILES = 500
BATCH_BYTES = 64 << 20


class Blobs:
    """Hashes files while others are still being listed, if there are enough of them."""

    def __init__(self, root: int, jobs: int) -> None:
        self._root = root
        self._jobs = jobs
        self._batch = Batch((hashing.BLOB,))
        self._waiting: list[Batch] = []
        self._reading: Reading | None = None

    def add(self, path: str, size: int) -> None:
        """Hash this one too."""
        batch = self._batch
        batch.paths.append(path)
        batch.size += size
        if len(batch.paths) >= BATCH_FILES or batch.size >= BATCH_BYTES:
            self._hand_over()

    def _hand_over(self) -> None:
        self._waiting.append(self._batch)
        self._batch = Batch((hashing.BLOB,))
        # One batch alone is done here before a process has started.
        if self._jobs > 1 and (self._reading or len(self._waiting) > 1):
            if self._reading is None:
                self._reading = Reading(self._root, self._jobs, lambda: float("inf"))
            self._reading.add(self._waiting)
            self._waiting.clear()

    def ids(self, problem: Callable[[str, str], None]) -> dict[str, bytes]:
        """The ids of all files, by path; what cannot be read is told."""
        if self._batch.paths:
            self._hand_over()
        ids = {}
        for path, found in self._results():
            if found.problem:
                problem(path, found.problem.removeprefix(f"{path}: "))
            else:
                ids[path] = bytes.fromhex(found.digests[hashing.BLOB])
        return ids

    def _results(self) -> Iterator[tuple[str, Fingerprint]]:
        if self._reading is not None:
            yield from self._reading.results()
            return
        buffer = memoryview(bytearray(hashing.BLOCK))
        folder = hashing.Folder(self._root)
        try:
            for batch in self._waiting:
                for path in batch.paths:
                    found = hashing.hash_file(
                        folder, path, [hashing.BLOB], buffer, float("inf")
                    )
                    yield path, batch.fingerprint(path, found)
        finally:
            folder.close()

    def close(self) -> None:
        """End what was started."""
        if self._reading is not None:
            self._reading.close()
