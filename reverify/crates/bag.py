"""BagIt: what a bag's tag files say. Nothing is tested here, and nothing fetched.

Source: RFC 8493, The BagIt File Packaging Format (V1.0).
"""

import re
from bisect import bisect_left
from collections.abc import Collection, Sequence
from functools import cached_property
from typing import NamedTuple

from reverify.crates.digests import algorithm
from reverify.crates.names import path_fault, twins
from reverify.crates.payload import EntryKind, Fault, Payload
from reverify.errors import CrateError
from reverify.model.claim import Place

DECLARATION = "bagit.txt"
_DECLARED = re.compile(
    r"BagIt-Version: (?P<major>[0-9]{1,4})\.(?P<minor>[0-9]{1,4})"
    r"(\r\n|\r|\n)Tag-File-Character-Encoding: (?P<encoding>[A-Za-z0-9_-]+)"
    r"(\r\n|\r|\n)?"
)
_LOOSELY = re.compile(
    r"\s*BagIt-version\s*:\s*(?P<major>[0-9]{1,4})\.(?P<minor>[0-9]{1,4})\s*"
    r"Tag-File-Character-Encoding\s*:\s*(?P<encoding>[A-Za-z0-9_-]+)\s*",
    re.IGNORECASE,
)
_ENCODINGS = {"utf8", "usascii", "ascii", "iso88591", "latin1", "windows1252"}
_ENCODINGS |= {"utf16", "utf16le", "utf16be"}
_MANIFEST = re.compile(r"(?P<tag>tag)?manifest-(?P<name>[A-Za-z0-9_-]+)\.txt")
_LINE = re.compile(r"([0-9A-Fa-f]+)[ \t]+(\*?)(.+)")
_ESCAPES = {"%0A": "\n", "%0D": "\r", "%25": "%", "%0a": "\n", "%0d": "\r"}
_OXUM = re.compile(r"([0-9]{1,18})\.([0-9]{1,18})")
_SYSTEM_FILE = re.compile(
    r"/(?:\._)?(?:\.DS_Store|Thumbs\.db|desktop\.ini)[\r\n]", re.IGNORECASE
)
MOST_BAGS = 1000
KNOWN_VERSIONS = {"0.93", "0.94", "0.95", "0.96", "0.97", "1.0"}


class Listed(NamedTuple):
    """One line of a manifest.

    Attributes:
        path: from the opened location.
        digest: as canonical text, `sha256:HEX`, in lower case.
        place: the line itself.
    """

    path: str
    digest: str
    place: Place


class Manifest(NamedTuple):
    """One manifest of a bag.

    Attributes:
        file: its path from the opened location.
        name: the algorithm, as the file name has it.
        algorithm: hashlib's name for it; None if we do not have it.
        of_tags: whether it lists tag files rather than payload.
        listed: its lines.
    """

    file: str
    name: str
    algorithm: str | None
    of_tags: bool
    listed: list[Listed]


class Oxum(NamedTuple):
    """The Payload-Oxum of bag-info.txt.

    Attributes:
        octets: bytes of the payload.
        files: files of the payload.
        file: where it is stated.
        line: counted from 1.
    """

    octets: int
    files: int
    file: str
    line: int


class Bag:
    """What the tag files of one bag say.

    Attributes:
        base: its base folder with a slash behind, or the empty string.
        version: `1.0`, if it is declared.
        manifests: payload manifests first.
        tag_files: the paths of the tag files that make the bag a bag.
        oxum: the Payload-Oxum, if stated.
        fetched: line of fetch.txt by path from the opened location.
        faults: what is wrong with the tag files themselves.
    """

    def __init__(self, payload: Payload, base: str, files: Sequence[str]) -> None:
        self.base = base
        self._files = _below(files, base)
        self.version = ""
        self.manifests: list[Manifest] = []
        self.tag_files = {
            base + name for name in (DECLARATION, "bag-info.txt", "fetch.txt")
        }
        self.oxum: Oxum | None = None
        self.fetched: dict[str, int] = {}
        self.faults: list[Fault] = []
        self._payload = payload
        self._encoding = "utf-8"
        self._declaration()
        names = self._names()
        for name in names:
            match = _MANIFEST.fullmatch(name)
            if match:
                self.tag_files.add(self.base + name)
                self._manifest(name, match["name"], of_tags=bool(match["tag"]))
        if not any(not manifest.of_tags for manifest in self.manifests):
            self._note(
                "completeness/bag-manifest-missing",
                DECLARATION,
                f"{base}: the bag has no manifest of its payload",
            )
        self.manifests.sort(key=lambda manifest: (manifest.of_tags, manifest.file))
        for manifest in self.manifests[:1]:  # the others list the same names
            self._twins(manifest.file.removeprefix(base), manifest.listed)
        if f"{base}fetch.txt" in payload.entries:
            self._fetch("fetch.txt")
        if f"{base}bag-info.txt" in payload.entries:
            self._info("bag-info.txt")
        data = payload.entries.get(f"{base}data")
        if data is None or data.kind is not EntryKind.FOLDER:
            what = "no data folder" if data is None else f"a {data.kind.value} as data"
            reason = f"{base}: the bag has {what}"
            self._note("completeness/bag-declaration-invalid", DECLARATION, reason)

    @property
    def payload_files(self) -> Sequence[str]:
        """The paths of all files in its data folder."""
        return _below(self._files, f"{self.base}data/")

    @cached_property
    def payload_listed(self) -> frozenset[str]:
        """The paths that its payload manifests list, all of them together."""
        return frozenset(
            item.path
            for manifest in self.manifests
            if not manifest.of_tags
            for item in manifest.listed
        )

    def _names(self) -> list[str]:
        """The names of the files in the base folder itself."""
        size = len(self.base)
        return [path[size:] for path in self._files if "/" not in path[size:]]

    def _note(self, rule: str, name: str, reason: str, line: int | None = None) -> None:
        file = self.base + name
        self.faults.append(Fault(rule, file, reason, "", line, file))

    def _text(self, name: str) -> str | None:
        limit = self._payload.budget.limits.metadata_bytes
        try:
            data = self._payload.read(self.base + name, limit)
        except CrateError as error:
            self._note(error.rule, name, error.reason)
            return None
        try:
            return data.decode(self._encoding)
        except (UnicodeDecodeError, LookupError):
            reason = f"{self.base}{name}: is not {self._encoding} text"
            self._note("completeness/bag-tag-file-invalid", name, reason)
            return data.decode("latin-1")

    def _declaration(self) -> None:
        file = self.base + DECLARATION
        text = self._text(DECLARATION)
        if text is None:
            return
        match = _DECLARED.fullmatch(text)
        if match is None:
            match = _LOOSELY.fullmatch(text.lstrip("\ufeff"))
            what = "is not what RFC 8493 asks for, two exact lines in UTF-8"
            reason = f"{file}: {what}"
            if _DECLARED.fullmatch(text.replace("BagIt-version: ", "BagIt-Version: ")):
                rule = "completeness/bag-legacy-syntax"
            else:
                rule = "completeness/bag-declaration-invalid"
            self._note(rule, DECLARATION, reason, 1)
        if match is None:
            return
        self.version = f"{match['major']}.{match['minor']}"
        if self.version not in KNOWN_VERSIONS:
            reason = f"{file}: BagIt {self.version} is no version of BagIt"
            self._note("completeness/bag-declaration-invalid", DECLARATION, reason, 1)
        encoding = match["encoding"].lower()
        if encoding.replace("-", "").replace("_", "") in _ENCODINGS:
            self._encoding = encoding
        else:
            reason = f"{file}: {encoding!r} is no encoding of text that we know"
            self._note("completeness/bag-declaration-invalid", DECLARATION, reason, 2)

    def _manifest(self, name: str, digest_name: str, *, of_tags: bool) -> None:
        text = self._text(name)
        if text is None:
            return
        known = algorithm(digest_name)
        manifest = Manifest(self.base + name, digest_name, known, of_tags, [])
        self.manifests.append(manifest)
        if known is None:
            reason = f"{self.base}{name}: {digest_name} is not an algorithm we have"
            self._note("fixity/bag-algorithm-unknown", name, reason)
        prefix = f"{known or digest_name}:"
        base, paths = self.base, {path: path for path in self._files}
        file, listed = manifest.file, manifest.listed
        escaped = "%" in text
        seen: set[str] = set()
        odd: list[tuple[int, str]] = []
        for number, line in enumerate(_lines(text), 1):
            digest, _, written = line.partition(" ")
            path = written.lstrip(" ")
            full = paths.get(base + path)
            # As nearly all lines are: a file that is there, new, and in its place.
            if (
                full is not None
                and full not in seen
                and not (escaped and "%" in path)
                and path.startswith("data/") is not of_tags
            ):
                seen.add(full)
                place = Place(file, "", number)
                listed.append(Listed(full, prefix + digest.lower(), place))
            elif line:
                odd.append((number, line))
        if odd:
            self._odd_lines(manifest, odd, prefix)
        if _SYSTEM_FILE.search(text):
            self._clutter(name, listed)

    def _odd_lines(
        self,
        manifest: Manifest,
        lines: list[tuple[int, str]],
        prefix: str,
    ) -> None:
        """Read the lines of a manifest that need a second look."""
        name = manifest.file.removeprefix(self.base)
        seen = {item.path: item.digest for item in manifest.listed}
        legacy = 0
        for number, line in lines:
            match = _LINE.fullmatch(line)
            if match is None:
                if line.strip():
                    what = f"line {number} is no digest and path"
                    rule = "completeness/bag-tag-file-invalid"
                    self._note(rule, name, f"{self.base}{name}: {what}", number)
                continue
            digest, star, written = match.groups()
            path = _unescaped(written)
            if star or path.startswith("./"):
                legacy = legacy or number
                path = path.removeprefix("./")
            full = self.base + path
            if full not in self._payload.entries and not self._safe(name, path, number):
                continue
            if path.startswith("data/") is manifest.of_tags:
                what = "payload" if manifest.of_tags else "not payload"
                reason = f"{self.base}{name}: {path!r}, line {number}, is {what}"
                self._note("completeness/bag-tag-file-invalid", name, reason, number)
            stated = prefix + digest.lower()
            before = seen.setdefault(full, stated)
            if before is not stated:
                self._twice(name, path, number, same=before == stated)
            place = Place(manifest.file, "", number)
            manifest.listed.append(Listed(full, stated, place))
        if legacy:
            reason = f"{self.base}{name}: has ' *path' or './path', from line {legacy}"
            self._note("completeness/bag-legacy-syntax", name, reason, legacy)

    def _twins(self, name: str, listed: list[Listed]) -> None:
        """Tell of names that not every machine can keep apart.

        Source: RFC 8493, sections 5.2 and 6.1.
        """
        for path, other in twins(item.path for item in listed):
            reason = f"{self.base}{name}: {path!r} and {other!r} differ only by case"
            reason += " or by Unicode normal form"
            self._note("completeness/bag-name-twins", name, reason)

    def _clutter(self, name: str, listed: list[Listed]) -> None:
        """Tell of what operating systems leave behind."""
        for item in listed:
            if _SYSTEM_FILE.search(item.path + "\n"):
                reason = f"{self.base}{name}: {item.path!r} belongs to an operating"
                reason += " system, not to the payload"
                self._note(
                    "completeness/bag-system-file", name, reason, item.place.line
                )

    def _twice(self, name: str, path: str, line: int, *, same: bool) -> None:
        if same and self.version != "1.0":
            rule = "completeness/bag-legacy-syntax"
        else:
            rule = "completeness/bag-path-twice"
        what = "the same digest" if same else "different digests"
        reason = f"{self.base}{name}: {path!r} is listed twice, with {what}"
        self._note(rule, name, reason, line)

    def _safe(self, name: str, path: str, line: int) -> bool:
        fault = path_fault(path)
        if path.startswith("~"):
            fault = "it names a home folder"
        elif re.match(r"[A-Za-z]:[\\/]|%[A-Za-z]+%|\\\\", path):
            fault = "it is absolute on Windows"
        if fault:
            reason = f"{self.base}{name}: {path!r} may not be used as a path: {fault}"
            self._note("completeness/path-unsafe", name, reason, line)
        return fault is None

    def _fetch(self, name: str) -> None:
        text = self._text(name)
        lists = [
            {item.path for item in manifest.listed}
            for manifest in self.manifests
            if not manifest.of_tags
        ]
        every = all if self.version == "1.0" else any
        for number, line in enumerate(_lines(text or ""), 1):
            parts = line.split(None, 2)
            if not parts:
                continue
            if len(parts) < 3 or not re.fullmatch(r"[0-9]{1,18}|-", parts[1]):  # noqa: PLR2004
                reason = f"{self.base}{name}: line {number} is no URL, length and path"
                self._note("completeness/bag-tag-file-invalid", name, reason, number)
                continue
            path = _unescaped(parts[2]).removeprefix("./")
            if not self._safe(name, path, number):
                continue
            self.fetched[self.base + path] = number
            if not every(self.base + path in listed for listed in lists):
                reason = f"{self.base}{name}: {path!r} is in no manifest of the bag"
                if self.version == "1.0":
                    reason = f"{self.base}{name}: {path!r} is not in every manifest"
                self._note("completeness/bag-tag-file-invalid", name, reason, number)

    def _info(self, name: str) -> None:
        text = self._text(name)
        for number, line in enumerate(_lines(text or ""), 1):
            label, _, value = line.partition(":")
            if label.strip().lower() != "payload-oxum":
                continue
            match = _OXUM.fullmatch(value.strip())
            if match is None or self.oxum is not None:
                what = "stated twice" if self.oxum else "no OCTETS.FILES"
                reason = f"{self.base}{name}: Payload-Oxum {value.strip()!r} is {what}"
                self._note("completeness/bag-tag-file-invalid", name, reason, number)
            else:
                octets, files = map(int, match.groups())
                self.oxum = Oxum(octets, files, self.base + name, number)


def foreseen(paths: Collection[str]) -> set[str]:
    """The algorithms that a bag's files will be digested with, by its paths alone.

    Returns:
        those of the manifests, and the one that tells which bytes a crate is; none if
        there is no bag.
    """
    names = {path.rpartition("/")[2] for path in paths}
    if DECLARATION not in names:
        return set()
    found = (_MANIFEST.fullmatch(name) for name in names if "manifest-" in name)
    known = (algorithm(match["name"]) for match in found if match)
    return {"sha256", *filter(None, known)}


def find_bags(payload: Payload, tops: list[str]) -> list[Bag]:
    """Find the bags in a payload; a bag in a bag's data folder is just payload.

    Args:
        payload: where to look.
        tops: the base folders where a bag may wrap the whole crate.
    """
    files = sorted(payload.files)
    bases = [
        path.removesuffix(DECLARATION)
        for path in files
        if path == DECLARATION or path.endswith("/" + DECLARATION)
    ]
    found: list[str] = []
    for base in sorted(bases, key=lambda base: (base not in tops, base)):
        if not any(base.startswith(f"{outer}data/") for outer in found):
            if len(found) == MOST_BAGS:
                reason = f"{base}: there are more bags than the {MOST_BAGS:,} looked at"
                payload.faults.append(Fault("completeness/limit-reached", base, reason))
                break
            found.append(base)
    return [Bag(payload, base, files) for base in found]


def _below(files: Sequence[str], prefix: str) -> Sequence[str]:
    """The part of a sorted list that begins with a prefix."""
    if not prefix:
        return files
    start = bisect_left(files, prefix)
    # The slash that ends the prefix, made the character behind it.
    return files[start : bisect_left(files, prefix[:-1] + "0", start)]


def _lines(text: str) -> list[str]:
    return re.split(r"\r\n|\r|\n", text) if "\r" in text else text.split("\n")


def _unescaped(path: str) -> str:
    if "%" not in path:
        return path
    return re.sub("%(0A|0D|25|0a|0d)", lambda match: _ESCAPES[match.group()], path)
