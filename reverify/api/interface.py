"""What whoever starts a server decides, and nobody who asks it."""

from dataclasses import dataclass, field
from pathlib import Path

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What a server may do, and how much at once.

    Attributes:
        token: what a write must show; None if nobody may write.
        hosts: the names and addresses, in lower case, that requests may be sent to.
        files: the folder below which the files of posted manifests lie; None if the
            server is to look for none.
        exports: the folder below which `exports/rocrate/` is written; None if nothing
            is to be written.
        docs: whether the server describes itself at `/docs` and `/openapi.json`.
        body_bytes: the most bytes that the body of a request may have.
        body_seconds: the longest time that a body may take to arrive.
        exports_at_once: how many crates are made at the same time.
        exports_waiting: how many more may wait for their turn.
        wait_seconds: the longest time they wait.
        stall_seconds: how long a client may take no byte of a download.
    """

    token: str | None = field(default=None, repr=False)
    hosts: frozenset[str] = LOOPBACK
    files: Path | None = None
    exports: Path | None = None
    docs: bool = False
    body_bytes: int = 8 * MIB
    body_seconds: float = 30.0
    exports_at_once: int = 2
    exports_waiting: int = 8
    wait_seconds: float = 30.0
    stall_seconds: float = 60.0
