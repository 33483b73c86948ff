"""Open a crate: the only place that asks what a location is."""

import contextlib
import logging
import os
import re
import stat
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, unquote, urlsplit

from reverify.crates import bag, ocfl
from reverify.crates.below import BelowPayload
from reverify.crates.crate import Crate, Layout, layout_of
from reverify.crates.directory import DirectoryPayload
from reverify.crates.document import DocumentPayload
from reverify.crates.limits import Budget, Limits
from reverify.crates.metadata import DESCRIPTORS
from reverify.crates.ocfl import as_object
from reverify.crates.payload import Payload
from reverify.crates.remote import RemotePayload
from reverify.crates.tar import TarPayload
from reverify.crates.zip import ZipPayload
from reverify.errors import (
    CrateError,
    LimitError,
    MissingError,
    ServiceError,
    UsageError,
)
from reverify.services.http import Answer, Http, check_url

log = logging.getLogger(__name__)

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_DOI = re.compile(
    r"(?:doi:|https?://(?:dx\.)?doi\.org/)?(10\.[0-9]{4,9}/\S+)", re.IGNORECASE
)
_JSON_SUFFIXES = (".json", ".jsonld")
_TAR_MAGIC = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0")
_HEAD = 1024
_CRATE_TYPES = {
    "application/zip",
    "application/x-zip-compressed",
    "application/vnd.eln+zip",
    "application/gzip",
    "application/x-tar",
    "application/ld+json",
}


@contextlib.contextmanager
def open_crate(
    location: str,
    *,
    http: Http | None = None,
    limits: Limits | None = None,
    inside: str = "",
    read_ahead: bool = False,
) -> Iterator[Crate]:
    """Open the crate at a location.

    Args:
        location: a path, a URL, a DOI, or `-` for a metadata document on standard
            input.
        http: the door to the web; None when offline.
        limits: how much may be read.
        inside: the folder of a nested crate, instead of the crate itself.
        read_ahead: whether the digests of all files will be wanted; those of a bag are
            begun at once, since the names of its manifests tell their algorithms.

    Yields:
        the crate; its files stay open as long as the context does.

    Raises:
        UsageError: there is nothing at the location.
        ServiceError: it cannot be reached now.
        CrateError: what is there cannot be read, or is unsafe to read.
    """
    budget = Budget(limits or Limits())
    with contextlib.ExitStack() as stack:
        ahead = read_ahead and not inside
        payload, layout = _open(location, http, budget, stack, ahead=ahead)
        if inside:
            payload = BelowPayload(payload, inside)
            layout = layout_of(payload)
        yield stack.enter_context(Crate(location, payload, layout))


def _open(
    location: str,
    http: Http | None,
    budget: Budget,
    stack: contextlib.ExitStack,
    *,
    ahead: bool,
) -> tuple[Payload, Layout]:
    if location == "-":
        limit = budget.limits.metadata_bytes
        data = sys.stdin.buffer.read(limit + 1)
        return _document("ro-crate-metadata.json", data, budget)
    if _DOI.fullmatch(location) and not _exists(location):
        return _web(_doi_url(location), http, budget, stack)
    url = _URL.match(location)
    if url and not _exists(location):
        scheme = url.group(1).lower()
        if "::" in location:
            raise UsageError(f"{location}: chained URLs are not opened")
        if scheme in {"http", "https"}:
            check_url(location)
            return _web(location, http, budget, stack)
        if scheme not in {"file", "local"}:
            return _remote(location, http, budget)
        return _local(_path_of_url(url), budget, ahead=ahead)
    return _local(Path(location), budget, ahead=ahead)


def path_of(location: str) -> Path | None:
    """Where on this machine a crate lies; None if it lies elsewhere.

    A metadata document in a folder stands for the folder, as it does when it is opened.
    """
    path = Path(location)
    if not _exists(location):
        url = _URL.match(location)
        if url is None or url.group(1).lower() not in {"file", "local"}:
            return None
        path = _path_of_url(url)
    return path.parent if path.name in DESCRIPTORS and path.is_file() else path


def _path_of_url(url: re.Match[str]) -> Path:
    return Path(unquote("/" + url.string[url.end() :].partition("/")[2]))


def _exists(location: str) -> bool:
    """Whether it is a path after all; one that cannot be, a long one say, is none."""
    return os.path.exists(location)  # noqa: PTH110 - Path.exists raises on long names


def _with_layout(payload: Payload) -> tuple[Payload, Layout]:
    try:
        payload = as_object(payload)
        return payload, layout_of(payload)
    except BaseException:
        payload.close()
        raise


# -- this machine ------------------------------------------------------------------


def _local(path: Path, budget: Budget, *, ahead: bool) -> tuple[Payload, Layout]:
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MissingError(f"{path}: no such file or directory") from error
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot be looked at ({error})") from error
    if stat.S_ISDIR(mode):
        return _directory(path, budget, ahead=ahead)
    if not stat.S_ISREG(mode):
        raise CrateError(
            f"{path}: is neither a file nor a directory",
            rule="conformance/not-a-crate",
        )
    if path.name in DESCRIPTORS:
        return _directory(path.parent, budget, ahead=ahead)
    try:
        stream = path.open("rb")
        head = stream.read(_HEAD)
    except OSError as error:
        raise CrateError(
            f"{path}: cannot be read ({error.strerror})",
            rule="completeness/file-unreadable",
        ) from error
    size = path.stat().st_size

    def again() -> BinaryIO:
        return path.open("rb")

    try:
        return _by_content(path.name, stream, size, head, again, budget)
    except BaseException:
        stream.close()
        raise


def _directory(path: Path, budget: Budget, *, ahead: bool) -> tuple[Payload, Layout]:
    try:
        payload = DirectoryPayload(path, budget, _foreseen if ahead else None)
    except OSError as error:
        raise CrateError(
            f"{path}: cannot be listed ({error.strerror})",
            rule="completeness/file-unreadable",
        ) from error
    return _with_layout(payload)


def _foreseen(paths: Collection[str]) -> set[str]:
    """The algorithms of a bag or an OCFL object, by the names that it begins with."""
    return bag.foreseen(paths) or ocfl.foreseen(paths)


def _by_content(  # noqa: PLR0917
    name: str,
    stream: BinaryIO,
    size: int,
    head: bytes,
    again: Callable[[], BinaryIO],
    budget: Budget,
) -> tuple[Payload, Layout]:
    """Choose the reader by the first bytes; the name only breaks ties."""
    if head.startswith((b"PK\3\4", b"PK\5\6", b"PK\7\x08")):
        stream.close()
        return _with_layout(ZipPayload(again, size, budget))
    if head.startswith(_TAR_MAGIC) or head[257:262] == b"ustar":
        stream.close()
        return _with_layout(TarPayload(again, size, budget))
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if name.lower().endswith(_JSON_SUFFIXES) or text.startswith((b"{", b"[")):
        limit = budget.limits.metadata_bytes
        if size > limit:
            raise _too_large(name, limit)
        stream.seek(0)
        data = stream.read(limit + 1)
        stream.close()
        return _document(name, data, budget)
    raise CrateError(
        f"{name}: is no directory, zip, tar or metadata document"
        + (", it is empty" if not head else ""),
        rule="conformance/not-a-crate",
    )


def _document(name: str, data: bytes, budget: Budget) -> tuple[Payload, Layout]:
    limit = budget.limits.metadata_bytes
    if len(data) > limit:
        raise _too_large(name, limit)
    return DocumentPayload(name, data, budget), Layout("", name, [])


def _too_large(name: str, limit: int) -> LimitError:
    return LimitError(f"{name}: is more than the {limit:,} bytes of metadata we read")


# -- elsewhere ---------------------------------------------------------------------


def _doi_url(location: str) -> str:
    match = _DOI.fullmatch(location)
    name = match.group(1) if match else location
    return "https://doi.org/" + quote(name, safe="/:;()")


def _web(
    url: str, http: Http | None, budget: Budget, stack: contextlib.ExitStack
) -> tuple[Payload, Layout]:
    if http is None:
        raise ServiceError(f"{url}: not fetched, since we are offline")
    answer = None
    for _ in range(2):
        target: BinaryIO = stack.enter_context(
            tempfile.TemporaryFile(prefix="reverify-")  # noqa: SIM115 - on the stack
        )
        limit = budget.limits.total_bytes
        answer = http.download(url, target, limit, budget.seconds_left)
        if answer.missing:
            raise MissingError(f"{url}: the server has no such thing ({answer.status})")
        if not answer.found:
            raise ServiceError(f"{url}: the server answered {answer.status}")
        further = _signposted(answer)
        if answer.media_type != "text/html" or not further:
            break
        url = further
    size = target.tell()
    target.seek(0)
    head = target.read(_HEAD)

    def again() -> BinaryIO:
        copy = os.fdopen(os.dup(target.fileno()), "rb")
        copy.seek(0)
        return copy

    name = unquote(urlsplit(url).path).rpartition("/")[2] or "crate"
    return _by_content(name, again(), size, head, again, budget)


def _signposted(answer: Answer) -> str | None:
    """Where a landing page says that its crate is.

    Source: RO-Crate 1.2, Root data entity, "Resolvable persistent identifiers";
    FAIR Signposting, `item` and `describedby` links.
    """
    for relation in ("item", "describedby"):
        for link in answer.links.get(relation, []):
            media_type = link.get("type", "").partition(";")[0].strip()
            if media_type in _CRATE_TYPES:
                return link["url"]
    return None


def _remote(location: str, http: Http | None, budget: Budget) -> tuple[Payload, Layout]:
    """Open what fsspec reaches: a folder of objects, or one object as a file."""
    import fsspec  # noqa: PLC0415

    scheme = location.partition("://")[0]
    if http is None and scheme != "memory":
        raise ServiceError(f"{location}: not read, since we are offline")
    try:
        fs, root = fsspec.core.url_to_fs(location)
    except (ImportError, ValueError) as error:
        advice = "; pip install 'reverify[s3]'" if scheme == "s3" else ""
        raise UsageError(f"{location}: {error}{advice}") from error
    try:
        if fs.isdir(root):
            return _with_layout(RemotePayload(fs, root, budget))
        info = fs.info(root)
        name = root.rpartition("/")[2]
        if name in DESCRIPTORS:
            return _with_layout(RemotePayload(fs, fs._parent(root), budget))  # noqa: SLF001

        def again() -> BinaryIO:
            stream: BinaryIO = fs.open(root, "rb")
            return stream

        stream = again()
        head = stream.read(_HEAD)
        stream.seek(0)
        return _by_content(name, stream, int(info["size"]), head, again, budget)
    except FileNotFoundError as error:
        raise MissingError(f"{location}: no such object") from error
    except CrateError:
        raise
    except Exception as error:
        # Each file system of fsspec has exceptions of its own, with no common root.
        raise ServiceError(f"{location}: cannot be reached ({error})") from error
