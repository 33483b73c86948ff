"""What an archive keeps: objects taken from git repositories, as JSON and as bytes."""

import hashlib
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NamedTuple

from reverify.model.swhid import git_id

Json = dict[str, Any]
TYPES = {"blob": "cnt", "tree": "dir", "commit": "rev", "tag": "rel", "snapshot": "snp"}
KINDS = {short: kind for kind, short in TYPES.items()}
WORDS = {
    "cnt": "content",
    "dir": "directory",
    "rev": "revision",
    "rel": "release",
    "snp": "snapshot",
}
_DROPPED = re.compile(
    r"refs/(pull/.*/merge|merge-requests/.*/merge|pipelines/.*|changes/.*)"
)
_PERSON = re.compile(rb"(.*?) (-?\d+) ([+-]\d{4})", re.DOTALL)


class Entry(NamedTuple):
    mode: int
    name: bytes
    id: str

    @property
    def type(self) -> str:
        return {0o040000: "dir", 0o160000: "rev"}.get(self.mode, "file")


class Objects:
    """Objects by their core SWHIDs; each value is the body, without git's header."""

    def __init__(self) -> None:
        self.bodies: dict[str, bytes] = {}
        self.absent: set[str] = set()
        """Contents too large to be kept: listed, not known."""
        self.hidden: set[str] = set()
        self.lost: set[str] = set()
        """Objects of which the archive knows nothing any more, though others name them.
        """

    def add(self, kind: str, body: bytes) -> str:
        swhid = f"swh:1:{TYPES[kind]}:{git_id(kind, body)}"
        self.bodies[swhid] = body
        return swhid

    def knows(self, swhid: str) -> bool:
        return swhid in self.bodies and swhid not in self.absent | self.lost

    def get(self, type: str, id: str) -> bytes | None:
        swhid = f"swh:1:{type}:{id}"
        return self.bodies[swhid] if self.knows(swhid) else None

    # -- from git ----------------------------------------------------------------------

    def load(self, repository: Path) -> str:
        """Take in all objects of a repository; gives the id of its snapshot."""
        for kind, body in _all_objects(repository):
            self.add(kind, body)
        return self.add("snapshot", _snapshot_body(repository)).rpartition(":")[2]

    # -- as JSON -----------------------------------------------------------------------

    def entries(self, id: str) -> list[Entry]:
        body, found, start = self.bodies[f"swh:1:dir:{id}"], [], 0
        while start < len(body):
            blank, end = body.index(b" ", start), body.index(b"\0", start)
            mode, name = int(body[start:blank], 8), body[blank + 1 : end]
            start = end + 21
            found.append(Entry(mode, name, body[end + 1 : start].hex()))
        return found

    def entry(self, base: str, directory: str, entry: Entry, name: str = "") -> Json:
        shown = name or shown_name(entry.name)
        found: Json = {
            "dir_id": directory,
            "name": shown,
            "type": entry.type,
            "target": entry.id,
            "perms": entry.mode,
            "length": None,
        }
        if entry.type == "file":
            swhid = f"swh:1:cnt:{entry.id}"
            body = self.bodies.get(swhid)
            known = body is not None and swhid not in self.lost
            found["length"] = len(body or b"") if known else None
            found["status"] = self.status(swhid) if known else None
            found["checksums"] = checksums(body or b"") if known else {}
            found["target_url"] = f"{base}content/sha1_git:{entry.id}/"
        else:
            place = {"dir": "directory", "rev": "revision"}[entry.type]
            found["target_url"] = f"{base}{place}/{entry.id}/"
        return found

    def status(self, swhid: str) -> str:
        if swhid in self.absent:
            return "absent"
        return "hidden" if swhid in self.hidden else "visible"

    def revision(self, base: str, id: str) -> Json:
        headers, message = headers_of(self.bodies[f"swh:1:rev:{id}"])
        named = dict(headers)
        parents = [value.decode() for name, value in headers if name == "parent"]
        author, date = person(named["author"])
        committer, committer_date = person(named["committer"])
        usual = {"tree", "parent", "author", "committer"}
        tree = named["tree"].decode()
        found: Json = {
            "id": id,
            "directory": tree,
            "directory_url": f"{base}directory/{tree}/",
            "url": f"{base}revision/{id}/",
            "history_url": f"{base}revision/{id}/log/",
            "message": None if message is None else message.decode("utf-8", _ESCAPED),
            "author": author,
            "committer": committer,
            "date": date,
            "committer_date": committer_date,
            "type": "git",
            "synthetic": False,
            "merge": len(parents) > 1,
            "parents": [{"id": p, "url": f"{base}revision/{p}/"} for p in parents],
            "metadata": {},
            "extra_headers": [
                [name, value.decode("utf-8", _ESCAPED)]
                for name, value in headers
                if name not in usual
            ],
        }
        try:
            (message or b"").decode()
        except UnicodeDecodeError:
            found["decoding_failures"] = ["message"]
        return found

    def release(self, base: str, id: str) -> Json:
        headers, message = headers_of(self.bodies[f"swh:1:rel:{id}"])
        named = dict(headers)
        word = WORDS[TYPES[named["type"].decode()]]
        target = named["object"].decode()
        author, date = person(named["tagger"]) if "tagger" in named else (None, None)
        return {
            "id": id,
            "name": named["tag"].decode("utf-8", _ESCAPED),
            "message": None if message is None else message.decode("utf-8", _ESCAPED),
            "target": target,
            "target_type": word,
            "target_url": f"{base}{word}/{target}/",
            "author": author,
            "date": date,
            "synthetic": False,
        }

    def branches(self, base: str, id: str) -> dict[bytes, Json | None]:
        body, start = self.bodies[f"swh:1:snp:{id}"], 0
        found: dict[bytes, Json | None] = {}
        while start < len(body):
            blank, end = body.index(b" ", start), body.index(b"\0", start)
            colon = body.index(b":", end)
            size = int(body[end + 1 : colon])
            kind, name = body[start:blank].decode(), body[blank + 1 : end]
            target = body[colon + 1 : colon + 1 + size]
            start = colon + 1 + size
            if kind == "dangling":
                found[name] = None
                continue
            text = branch_shown(target) if kind == "alias" else target.hex()
            url = f"{base}{kind}/{text}/"
            if kind == "alias":
                url = f"{base}snapshot/{id}/?branches_from={text}&branches_count=1"
            found[name] = {"target": text, "target_type": kind, "target_url": url}
        return found


_ESCAPED = "backslashreplace"


def shown_name(name: bytes) -> str:
    """A name in a directory: what is no UTF-8 is escaped, backslashes are not."""
    return name.decode("utf-8", _ESCAPED)


def branch_shown(name: bytes) -> str:
    """A branch's name: backslashes are doubled here."""
    return name.replace(b"\\", b"\\\\").decode("utf-8", _ESCAPED)


def checksums(body: bytes, *, every: bool = False) -> Json:
    found = {
        "sha1": hashlib.sha1(body).hexdigest(),
        "sha1_git": git_id("blob", body),
        "sha256": hashlib.sha256(body).hexdigest(),
    }
    if every:
        found["blake2s256"] = hashlib.blake2s(body, digest_size=32).hexdigest()
    return found


def headers_of(body: bytes) -> tuple[list[tuple[str, bytes]], bytes | None]:
    """The headers of a commit or tag, and its message."""
    head, blank, message = body.partition(b"\n\n")
    if not blank:
        head = head.rstrip(b"\n")
    found: list[tuple[str, bytes]] = []
    for line in head.split(b"\n"):
        if line.startswith(b" "):
            last, text = found.pop()
            found.append((last, text + b"\n" + line[1:]))
        else:
            name, _, value = line.partition(b" ")
            found.append((name.decode(), value))
    return found, message if blank else None


def person(value: bytes) -> tuple[Json, str | None]:
    match = _PERSON.fullmatch(value)
    if match is None:
        return {"fullname": shown_name(value), "name": None, "email": None}, None
    full = match[1]
    parts = re.fullmatch(rb"(.*?) ?<(.*)>", full, re.DOTALL)
    sign = -1 if match[3].startswith(b"-") else 1
    offset = sign * timedelta(hours=int(match[3][1:3]), minutes=int(match[3][3:5]))
    when = datetime.fromtimestamp(int(match[2]), timezone(offset))
    found = {
        "fullname": shown_name(full),
        "name": (shown_name(parts[1]) or None) if parts else None,
        "email": (shown_name(parts[2]) or None) if parts else None,
    }
    return found, when.isoformat()


def git(*arguments: str, at: Path, given: bytes = b"") -> bytes:
    """Run git for a test, untouched by anybody's settings."""
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_AUTHOR_NAME": "Ada Example",
        "GIT_AUTHOR_EMAIL": "ada@example.org",
        "GIT_AUTHOR_DATE": "1700000000 +0100",
        "GIT_COMMITTER_NAME": "Ada Example",
        "GIT_COMMITTER_EMAIL": "ada@example.org",
        "GIT_COMMITTER_DATE": "1700000000 +0100",
    }
    done = subprocess.run(
        ["git", "-c", "init.defaultBranch=main", "-C", str(at), *arguments],
        input=given,
        capture_output=True,
        env=environment,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"git {arguments[0]}: {done.stderr.decode()}")
    return done.stdout


def _all_objects(repository: Path) -> Iterator[tuple[str, bytes]]:
    data = git("cat-file", "--batch-all-objects", "--batch", at=repository)
    start = 0
    while start < len(data):
        end = data.index(b"\n", start)
        _, kind, size = data[start:end].split()
        start = end + 1 + int(size) + 1
        yield kind.decode(), data[end + 1 : start - 1]


def _snapshot_body(repository: Path) -> bytes:
    """What the loader makes of the references of a repository."""
    rows: dict[bytes, tuple[str, bytes]] = {}
    form = "%(refname)%00%(objecttype)%00%(objectname)"
    for line in git("for-each-ref", f"--format={form}", at=repository).splitlines():
        name, kind, id = line.split(b"\0")
        if not _DROPPED.fullmatch(name.decode("utf-8", "replace")):
            rows[name] = WORDS[TYPES[kind.decode()]], bytes.fromhex(id.decode())
    try:
        head = git("symbolic-ref", "-q", "HEAD", at=repository).strip()
        rows[b"HEAD"] = "alias", head
        rows.setdefault(head, ("dangling", b""))
    except RuntimeError:
        commit = git("rev-parse", "HEAD", at=repository).strip().decode()
        rows[b"HEAD"] = "revision", bytes.fromhex(commit)
    return b"".join(
        b"%s %s\0%d:%s" % (kind.encode(), name, len(target), target)
        for name, (kind, target) in sorted(rows.items())
    )


def iso(when: datetime) -> str:
    return when.astimezone(UTC).isoformat()
