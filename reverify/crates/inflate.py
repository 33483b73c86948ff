"""Unpack a stream without ever holding more of it than one block."""

import bz2
import io
import lzma
import zlib
from collections.abc import Callable
from typing import BinaryIO, Protocol

from reverify.errors import CrateError

BLOCK = 1 << 20
DICTIONARY_BYTES = 64 << 20
"""The largest LZMA dictionary that we are willing to hold in memory."""


class Decompressor(Protocol):
    """What bz2 and lzma offer, and `Zlib` makes of zlib."""

    @property
    def eof(self) -> bool:
        """Whether the end of the packed stream was seen."""

    @property
    def needs_input(self) -> bool:
        """Whether more packed bytes are wanted before more can come out."""

    @property
    def unused_data(self) -> bytes:
        """Packed bytes behind the end."""

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Unpack at most `max_length` bytes."""


class Zlib:
    """zlib's decompressor in the shape of the other two.

    Args:
        window: -15 for the bare deflate of zip members, 31 for gzip.
    """

    def __init__(self, window: int) -> None:
        self._inner = zlib.decompressobj(window)

    @property
    def eof(self) -> bool:
        """Whether the end of the packed stream was seen."""
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        """Whether more packed bytes are wanted before more can come out."""
        return not self._inner.unconsumed_tail and not self._inner.eof

    @property
    def unused_data(self) -> bytes:
        """Packed bytes behind the end."""
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Unpack at most `max_length` bytes."""
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


class Inflated(io.RawIOBase):
    """The unpacked bytes of a packed stream, as a stream.

    Args:
        packed: where the packed bytes come from; closed with this stream.
        start: makes a decompressor for each packed stream in it.
        chained: whether further packed streams may follow, as gzip and xz allow.
        packed_size: how many packed bytes there are, if that is known.
    """

    def __init__(
        self,
        packed: BinaryIO,
        start: Callable[[], Decompressor],
        *,
        chained: bool = False,
        packed_size: int | None = None,
    ) -> None:
        self._packed = packed
        self._start = start
        self._chained = chained
        self._left = packed_size
        self._inner: Decompressor | None = start()
        self._pending = b""

    def readable(self) -> bool:
        """Yes."""
        return True

    def close(self) -> None:
        """Close the packed stream too."""
        if not self.closed:
            self._packed.close()
        super().close()

    def readinto(self, buffer: object) -> int:
        """Fill the buffer as far as one step of unpacking goes; 0 at the end.

        Raises:
            EOFError: the packed stream is cut short.
            ValueError: it is damaged.
        """
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        data = self._next(len(view))
        view[: len(data)] = data
        return len(data)

    def _next(self, size: int) -> bytes:
        while self._inner is not None and size:
            if self._inner.eof:
                self._follow(self._inner)
                continue
            packed, ended = b"", False
            if self._inner.needs_input:
                packed = self._pending or self._more()
                self._pending = b""
                ended = not packed
            try:
                # Without input too: zlib takes in all of it and may still hold output.
                data = self._inner.decompress(packed, size)
            except (zlib.error, lzma.LZMAError, OSError) as error:
                raise ValueError(str(error)) from error
            if data:
                return data
            if ended and not self._inner.eof:
                raise EOFError("it is cut short")
        return b""

    def _follow(self, ended: Decompressor) -> None:
        """Go on with the packed stream behind the one that ended, if there is one."""
        rest = ended.unused_data or self._more()
        self._inner = None
        if self._chained:
            while rest and not rest.strip(b"\0"):  # padding is allowed
                rest = self._more()
            if rest:
                self._inner, self._pending = self._start(), rest

    def _more(self) -> bytes:
        if self._left is None:
            return self._packed.read(BLOCK)
        data = self._packed.read(min(BLOCK, self._left))
        self._left -= len(data)
        return data


def lzma_member(properties: bytes) -> lzma.LZMADecompressor:
    """Make a decompressor for a zip member of method 14.

    Args:
        properties: the five bytes behind the member's LZMA header.

    Raises:
        CrateError: they ask for more memory than we give, or make no sense.

    Source: APPNOTE.TXT 6.3.10, 5.8.8.
    """
    first, size = properties[0], int.from_bytes(properties[1:5], "little")
    if size > DICTIONARY_BYTES or first >= 9 * 5 * 5:
        raise CrateError(
            f"an LZMA dictionary of {size:,} bytes is asked for",
            rule="completeness/limit-reached",
        )
    rest, lc = divmod(first, 9)
    pb, lp = divmod(rest, 5)
    filters = [
        {
            "id": lzma.FILTER_LZMA1,
            "dict_size": max(size, 4096),
            "lc": lc,
            "lp": lp,
            "pb": pb,
        }
    ]
    try:
        return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters)
    except lzma.LZMAError as error:
        raise ValueError(str(error)) from error


_MAGIC: tuple[tuple[bytes, str, Callable[[], Decompressor]], ...] = (
    (b"\x1f\x8b", "gz", lambda: Zlib(31)),
    (b"BZh", "bz2", bz2.BZ2Decompressor),
    (
        b"\xfd7zXZ\0",
        "xz",
        lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=2 * DICTIONARY_BYTES),
    ),
)


def unpacked(stream: BinaryIO, head: bytes) -> BinaryIO | None:
    """Unpack a whole file by its first bytes.

    Args:
        stream: the file, at its start.
        head: its first bytes.

    Returns:
        the unpacked stream, or None if it is not packed in a way we know.
    """
    for magic, _, start in _MAGIC:
        if head.startswith(magic):
            raw = Inflated(stream, start, chained=True)
            return io.BufferedReader(raw, BLOCK)
    return None
