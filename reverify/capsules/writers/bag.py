"""A crate in a BagIt bag: the crate is the payload, tag files stand beside it.

Source: RFC 8493, The BagIt File Packaging Format (V1.0).
"""

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import ClassVar

from reverify.capsules.writers.interface import Sink, Writer, Written

DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
_ESCAPES = str.maketrans({"%": "%25", "\n": "%0A", "\r": "%0D"})


class BagWriter(Writer):
    """Puts what it is given into `data/`, and the tag files beside it at the end.

    Args:
        inner: writes the bag.
        info: labels and values of bag-info.txt, in order; Payload-Oxum is added.
    """

    algorithms: ClassVar[tuple[str, ...]] = ("sha256", "sha512")

    def __init__(self, inner: Writer, info: Iterable[tuple[str, str]]) -> None:
        super().__init__()
        self._inner = inner
        self._info = tuple(info)
        self._tags: dict[str, Written] = {}

    @property
    def everything(self) -> Mapping[str, Written]:
        """All files of the bag by their path in it: payload and tag files."""
        return self._payload() | self._tags

    def finish(self) -> None:
        """Write the tag files, the tag manifests last.

        Source: RFC 8493, sections 2.1 to 2.2.
        """
        octets = sum(item.size for item in self.written.values())
        oxum = f"{octets}.{len(self.written)}"
        self._tag("bagit.txt", DECLARATION)
        self._tag("bag-info.txt", _info([*self._info, ("Payload-Oxum", oxum)]))
        payload = self._payload()
        for name in self.algorithms:
            self._tag(f"manifest-{name}.txt", _manifest(payload, name))
        tags = dict(self._tags)
        for name in self.algorithms:
            self._tag(f"tagmanifest-{name}.txt", _manifest(tags, name))
        self._inner.finish()

    def abandon(self) -> None:
        """Let go without an end."""
        self._inner.abandon()

    def create(self, path: str, size: int) -> AbstractContextManager[Sink]:
        """Begin a file of the payload."""
        return self._inner.create(f"data/{path}", size)

    def add_folder(self, path: str) -> None:
        """Make a folder in the payload, of which no manifest of a bag can tell."""
        self._inner.add_folder(f"data/{path}")

    def _payload(self) -> dict[str, Written]:
        return {f"data/{path}": item for path, item in self.written.items()}

    def _tag(self, path: str, data: bytes) -> None:
        with self._inner.create(path, len(data)) as sink:
            sink.write(memoryview(data))
        digests = {
            name: hashlib.new(name, data).hexdigest() for name in self.algorithms
        }
        self._tags[path] = Written(len(data), digests)


def _info(labels: Iterable[tuple[str, str]]) -> bytes:
    """Labels and values, each on one line, whatever white space a value has.

    Source: RFC 8493, section 2.2.2.
    """
    lines = [f"{label}: {' '.join(value.split())}\n" for label, value in labels]
    return "".join(lines).encode()


def _manifest(files: Mapping[str, Written], algorithm: str) -> bytes:
    """One line for each file, in the order of the paths.

    Source: RFC 8493, section 2.1.3: LF, CR and % in paths are percent-encoded.
    """
    lines = [
        f"{files[path].digests[algorithm]}  {path.translate(_ESCAPES)}\n"
        for path in sorted(files)
    ]
    return "".join(lines).encode()
