"""`reverify serve`: the HTTP API, until it is told to stop."""

import contextlib
import gc
import logging
import os
import signal
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reverify.cli._common import EXIT_INTERRUPTED, complain
from reverify.errors import UsageError
from reverify.formats.escape import printable

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    import uvicorn

    from reverify.api.interface import Serving

TOKEN_VARIABLE = "REVERIFY_TOKEN"  # noqa: S105 - the name of it
_EVERYWHERE = {"0.0.0.0", "::"}  # noqa: S104 - compared with, not bound to
_BACKLOG = 128
_LARGEST_TOKEN = 4096
_GARBAGE = 700, 10, 10
"""When Python looks for cycles, by itself."""


def serve(
    *,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="The address to listen at.")
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(metavar="N", min=0, max=65535, help="0 for any that is free."),
    ] = 8000,
    files: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            show_default=False,
            help="Where the files of posted manifests lie: in DIR/capsule-ID, or in DIR"
            " if there is no such folder. No other path is read because of a manifest.",
        ),
    ] = None,
    exports: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            show_default=False,
            help="export-files writes to DIR/exports/rocrate/capsule-ID.",
        ),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help="Holds the token that writes must show, readable by nobody else."
            " REVERIFY_TOKEN does as well; without either, writes are refused.",
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            show_default=False,
            help="A further name or address by which clients may call the server."
            " Repeatable.",
        ),
    ] = None,
    docs: Annotated[
        bool, typer.Option("--docs", help="Describe the API at /docs, /openapi.json.")
    ] = False,
) -> int:
    """Serve the registry over HTTP: register, list, show, export capsules.

    Everybody who reaches the address may read; writes need a token. One line on
    standard error for each request. SIGTERM and Ctrl-C stop the server once all
    requests under way are answered.

    Exit codes: 0 stopped by SIGTERM, 2 cannot be started so, 130 stopped by Ctrl-C.
    """
    try:
        import fastapi  # noqa: F401, PLC0415 - an extra, and large
        import uvicorn  # noqa: F401, PLC0415
    except ImportError as error:
        raise UsageError(
            'serve needs an extra: pip install "reverify[serve]"'
        ) from error
    from reverify.api.interface import LOOPBACK, Serving  # noqa: PLC0415

    hosts = {*LOOPBACK, *map(_host, allow_host or ())}
    if host not in _EVERYWHERE:
        hosts.add(host.lower())
    serving = Serving(
        token=_token(token_file),
        hosts=frozenset(hosts),
        files=None if files is None else _folder(files, "--files"),
        exports=None if exports is None else _folder(exports, "--exports"),
        docs=docs,
    )
    return _run(serving, host, port)


def _run(serving: "Serving", host: str, port: int) -> int:
    """Serve until a signal comes.

    Raises:
        UsageError: nobody can listen at that address.
    """
    import uvicorn  # noqa: PLC0415 - an extra, and large

    from reverify.api.app import create_app  # noqa: PLC0415
    from reverify.settings import load_settings  # noqa: PLC0415

    app = create_app(load_settings(), serving)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
        )
    )
    gc.set_threshold(*_GARBAGE)  # a server lives longer than a command
    with _listening(host, port) as listener, _signals(server) as seen:
        address = listener.getsockname()
        _log_to_stderr()
        shown = f"[{address[0]}]" if ":" in address[0] else address[0]
        complain(f"serving on http://{shown}:{address[1]}")
        if not serving.token:
            complain(
                f"writes are refused: set {TOKEN_VARIABLE}, or give --token-file FILE"
            )
        if not _is_loopback(address[0]):
            complain(
                "others on the network may read, and what they send is not encrypted;"
                " they must call the server by one of: "
                + ", ".join(sorted(serving.hosts))
            )
        server.run(sockets=[listener])
    if signal.SIGINT in seen:
        return EXIT_INTERRUPTED
    return 0


@contextlib.contextmanager
def _signals(server: "uvicorn.Server") -> "Iterator[list[int]]":
    """Note which signals come: uvicorn raises them again when it has stopped."""
    seen: list[int] = []

    def note(number: int, _: object) -> None:
        seen.append(number)
        server.should_exit = True  # it may come before the server listens to signals

    before = {
        number: signal.signal(number, note)
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield seen
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _listening(host: str, port: int) -> "socket.socket":
    """Listen at an address.

    Raises:
        UsageError: it is none of this machine's, or another program has the port.
    """
    import socket  # noqa: PLC0415 - --help stays light

    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    except (OSError, UnicodeError) as error:
        said = getattr(error, "strerror", None) or error
        raise UsageError(
            f"cannot listen at {host}, port {port} ({said}); choose another --host or"
            " --port"
        ) from error
    # asyncio sets it only for sockets that name their protocol. Without it, every
    # answer on a connection but the first waits 40 ms for an acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _is_loopback(address: str) -> bool:
    import ipaddress  # noqa: PLC0415 - --help stays light

    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


def _host(name: str) -> str:
    """A host as requests name it.

    Raises:
        UsageError: it is none.
    """
    found = name.strip().lower().removeprefix("[").removesuffix("]")
    if not found or any(letter in found for letter in "/@* \t,"):
        raise UsageError(
            f"--allow-host {name}: write a name or an address alone, as in"
            " capsules.example.org"
        )
    return found


def _folder(path: Path, option: str) -> Path:
    """A folder, by its full path: what the server reads must not depend on where it is.

    Raises:
        UsageError: there is none.
    """
    if not path.is_dir():
        raise UsageError(f"{option}: {path} is no folder")
    return path.resolve()


def _token(file: Path | None) -> str | None:
    """The token that writes must show; None if nobody gave one.

    Raises:
        UsageError: it cannot be read, others can read it, or it can be guessed.
    """
    from reverify.api.security import TOKEN  # noqa: PLC0415 - needs the extra

    if file is None:
        origin, token = TOKEN_VARIABLE, os.environ.get(TOKEN_VARIABLE, "")
        if not token:
            return None
    else:
        origin, token = f"--token-file {file}", _secret(file)
    token = token.strip()
    if TOKEN.fullmatch(token) is None:
        raise UsageError(
            f"{origin}: a token is 16 to 512 letters, digits and -._~+/ in one line;"
            " make one with: openssl rand -hex 32"
        )
    return token


def _secret(file: Path) -> str:
    """What a file holds that nobody else can read.

    Raises:
        UsageError: others can, or nobody can.
    """
    try:
        # Looked at and read through one descriptor: it is the same file.
        fd = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(fd, "rb", buffering=0) as stream:  # noqa: PTH123 - a descriptor
            found = os.fstat(fd)
            if not stat.S_ISREG(found.st_mode):
                raise UsageError(f"{file}: is no regular file")
            if found.st_uid not in {os.geteuid(), 0}:
                raise UsageError(f"{file}: belongs to another user")
            if found.st_mode & 0o077:
                mode = stat.S_IMODE(found.st_mode)
                raise UsageError(
                    f"{file}: others may read or write it (mode {mode:04o}); make it"
                    f" yours alone: chmod 600 {file}"
                )
            return stream.read(_LARGEST_TOKEN).decode("ascii", "replace")
    except OSError as error:
        raise UsageError(f"{file}: cannot be read ({error.strerror})") from error


class _Printable(logging.Formatter):
    """One line of log per line of text, whatever a client put into it."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's
        """The line itself."""
        record.message = printable(record.message)
        return super().formatMessage(record)

    def formatException(self, ei) -> str:  # type: ignore[no-untyped-def]  # noqa: ANN001, N802
        """The traceback below it."""
        lines = super().formatException(ei).splitlines()
        return "\n".join(f"  {printable(line)}" for line in lines)


def _log_to_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Printable("%(asctime)s %(levelname)s %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    logging.getLogger("reverify").setLevel(logging.INFO)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
