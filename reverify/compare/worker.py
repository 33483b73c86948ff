"""The process in which formats of foreign libraries are read: limited, thrown away.

Started as `python -I -m reverify.compare.worker`, with both files as descriptors. One
request comes as JSON on standard input, one answer goes to standard output.

Request: `{"way", "name", "media_type", "files": [[fd, size], [fd, size]], "rule",
"bounds", "seconds", "inside"}`.
Answer: `{"comparison": {...}}`, `{"malformed": reason}`, `{"not_comparable": reason}`.
"""

import contextlib
import io
import json
import os
import resource
import sys
import time
from typing import Any, BinaryIO

from reverify.compare.array import compare_array
from reverify.compare.image import compare_image
from reverify.compare.interface import (
    Bounds,
    Comparator,
    Job,
    MalformedError,
    NotComparableError,
)
from reverify.compare.notebook import compare_notebook
from reverify.compare.parquet import compare_parquet
from reverify.crates.limits import Budget
from reverify.model.comparison import Comparison, Rule

WAYS: dict[str, Comparator] = {
    "array": compare_array,
    "image": compare_image,
    "notebook": compare_notebook,
    "parquet": compare_parquet,
}


class _At(io.FileIO):
    """A file open as a descriptor, with a position of its own."""

    def __init__(self, fd: int, size: int) -> None:
        super().__init__(fd, "rb", closefd=False)
        self._size = size
        self._at = 0

    def seek(self, offset: int, whence: int = 0) -> int:
        at = offset + (0, self._at, self._size)[whence]
        if at < 0:
            raise ValueError("a place before the start of the file")
        self._at = at
        return at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - a buffer
        count = os.preadv(self.fileno(), [buffer], self._at)
        self._at += count
        return count

    def readall(self) -> bytes:
        return self.read(max(0, self._size - self._at))

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            return self.readall()
        data = os.pread(self.fileno(), size, self._at)
        self._at += len(data)
        return data


class Descriptor:
    """A file that was handed over open.

    Args:
        fd: its descriptor.
        size: in bytes.
    """

    def __init__(self, fd: int, size: int) -> None:
        self._fd = fd
        self.size: int | None = size

    def open(self) -> BinaryIO:
        """Open it at its start."""
        return io.BufferedReader(_At(self._fd, self.size or 0), 1 << 17)


def _limit(memory: int, disk: int, seconds: float) -> None:
    for what, most in (
        (resource.RLIMIT_DATA, memory),
        (resource.RLIMIT_CPU, int(seconds) + 1),
        (resource.RLIMIT_FSIZE, disk),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(ValueError, OSError):  # where less is allowed already
            resource.setrlimit(what, (most, most))


def _unused(job: Job) -> Comparison:
    raise NotComparableError(f"{job.name} holds archives, which are not opened here")


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Compare what the request names."""
    bounds = Bounds(**request["bounds"])
    expected, actual = (Descriptor(fd, size) for fd, size in request["files"])
    job = Job(
        name=request["name"],
        media_type=request["media_type"],
        expected=expected,
        actual=actual,
        rule=Rule.from_dict(request["rule"]),
        bounds=bounds,
        budget=Budget(bounds.archive),
        deadline=time.monotonic() + request["seconds"],
        inside=request["inside"],
        compare=_unused,
    )
    try:
        return {"comparison": WAYS[request["way"]](job).to_dict()}
    except MalformedError as error:
        return {"malformed": str(error)}
    except NotComparableError as error:
        return {"not_comparable": str(error)}
    except MemoryError:
        return {
            "not_comparable": f"it takes more than {bounds.memory:,} bytes of memory"
        }
    except Exception as error:  # noqa: BLE001 - libraries raise all there is
        return {"not_comparable": f"reading it failed: {type(error).__name__}: {error}"}


def main() -> None:
    """Answer one request."""
    request = json.load(sys.stdin)
    bounds = request["bounds"]
    _limit(bounds["memory"], bounds["disk_bytes"], request["seconds"])
    json.dump(answer(request), sys.stdout)


if __name__ == "__main__":
    main()
