"""Settings: flag, then REVERIFY_*, then the project's file, the user's, the defaults.

Nothing is ever read from the crate or from its folder.
"""

import difflib
import os
import re
import stat
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import platformdirs

from reverify.errors import UsageError
from reverify.model.outcome import ClaimKind, Level

_UNITS = {"": 1, "b": 1}
_UNITS |= {f"{p}b": 1000**n for n, p in enumerate("kmgtp", 1)}
_UNITS |= {f"{p}ib": 1024**n for n, p in enumerate("kmgtp", 1)}
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604_800}
_SECONDS["y"] = 31_557_600
PROJECT_FILE, USER_FILE = "reverify.toml", "config.toml"
_SECRET_BYTES = 64_000
_MAILBOX = 254
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""Hosts that are this machine: what is sent there can be seen by nobody else."""


class Secret:
    """A token, or `@` and the file that holds it; shows itself to nobody.

    Args:
        text: as written.
    """

    __slots__ = ("_text",)
    _FORM = "[A-Za-z0-9._~+/=-]+"
    _SAID = "a token is one word of letters, digits and . _ ~ + / = -"

    def __init__(self, text: str) -> None:
        self._text = text.strip()

    def __bool__(self) -> bool:
        return bool(self._text)

    def __str__(self) -> str:
        return "***" if self else ""

    __repr__ = __str__

    def reveal(self) -> str:
        """The secret itself.

        Raises:
            UsageError: its file cannot be read, others can read it, or it is none.
        """
        text = self._text
        if text.startswith("@"):
            path = Path(text[1:]).expanduser()
            try:
                with path.open("rb") as stream:
                    mode = os.fstat(stream.fileno()).st_mode
                    text = stream.read(_SECRET_BYTES).decode("ascii", "replace").strip()
            except OSError as error:
                raise UsageError(
                    f"{path}: cannot be read ({error.strerror})"
                ) from error
            if mode & 0o077 and stat.S_ISREG(mode):
                raise UsageError(f"{path}: others can read the secret; `chmod 600` it")
        if text and not re.fullmatch(self._FORM, text):
            raise UsageError(self._SAID)
        return text


class SecretAddress(Secret):
    """An address with a secret in it, or `@` and the file that holds it."""

    __slots__ = ()
    _FORM = "[!-~]+"
    _SAID = "an address is one word of ASCII; write others as %20 and the like"


_NO_SECRET, _NO_ADDRESS = Secret(""), SecretAddress("")


def is_mailbox(text: str) -> bool:
    """Whether a text is an address of mail, and nothing that could be more than that.

    Source: RFC 5321, 4.1.2, without what is quoted; a percent sign, which routes, is
    refused as well.
    """
    atom = r"[A-Za-z0-9!#$&'*+/=?^_`{|}~-]+"
    label = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
    form = rf"{atom}(?:\.{atom})*@{label}(?:\.{label})*"
    return len(text) <= _MAILBOX and bool(re.fullmatch(form, text))


def read_size(text: str) -> int:
    """Read a number of bytes, `2GB` or `500 MiB` say.

    Raises:
        ValueError: it is none.
    """
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)", text.strip())
    if match is None or match[2].lower() not in _UNITS:
        raise ValueError(f"{text!r} is no size; write 500000, 500kB, 2GB or 1.5GiB")
    return int(float(match[1]) * _UNITS[match[2].lower()])


def read_duration(text: str) -> float:
    """Read a number of seconds, `90`, `5m`, `1h` or `1y` say.

    Raises:
        ValueError: it is none.
    """
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([smhdwy]?)", text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no time; write 90, 90s, 5m, 2h, 1d, 1w or 1y")
    return float(match[1]) * _SECONDS[match[2]]


def _read_flag(text: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True}
    words |= {"0": False, "false": False, "no": False, "off": False, "": False}
    if text.strip().lower() not in words:
        raise ValueError(f"{text!r} is neither true nor false")
    return words[text.strip().lower()]


def _read_count(text: str) -> int:
    if not text.strip().isdigit() or int(text) < 1:
        raise ValueError(f"{text!r} is no number from 1 on")
    return int(text)


def _read_level(text: str) -> Level | None:
    if not text:
        return None
    return Level(_one_of(text, [level.value for level in Level], "level"))


def _read_kinds(text: str) -> tuple[ClaimKind, ...]:
    known = [kind.value for kind in ClaimKind]
    names = [name.strip() for name in text.split(",") if name.strip()]
    return tuple(ClaimKind(_one_of(name, known, "kind of claim")) for name in names)


def _read_words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _read_mirrors(text: str) -> tuple[str, ...]:
    found = _read_words(text)
    if found:
        from reverify.services.git.origins import read_mirrors  # noqa: PLC0415

        try:
            read_mirrors(found)
        except UsageError as error:
            raise ValueError(str(error)) from error
    return found


def _read_folders(text: str) -> tuple[Path, ...]:
    return tuple(Path(word) for word in _read_words(text))


def _read_database(text: str) -> str:
    scheme = text.partition(":")[0].partition("+")[0]
    if scheme not in {"sqlite", "postgresql", "postgres"}:
        raise ValueError(
            f"{text!r} is no database; write sqlite:////path/to/file.sqlite or"
            " postgresql://user@host/name"
        )
    return text


def _read_folder(text: str) -> Path:
    if not text.strip():
        raise ValueError("a folder is missing")
    return Path(text)


def _read_base(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", text):
        raise ValueError(f"{text!r} is no base of an API; write https://HOST/api/1/")
    return text if text.endswith("/") else f"{text}/"


def _read_mailbox(text: str) -> str:
    if text and not is_mailbox(text):
        raise ValueError(f"{text!r} is no address of mail; write name@example.org")
    return text


def _one_of(text: str, known: list[str], what: str) -> str:
    if text in known:
        return text
    near = difflib.get_close_matches(text, known, 1)
    advice = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(known)}"
    raise ValueError(f"{text!r} is no {what}{advice}")


_READERS: Mapping[str, Callable[[str], Any]] = {
    "offline": _read_flag,
    "strict": _read_flag,
    "allow_private": _read_flag,
    "recurse": _read_flag,
    "no_progress": _read_flag,
    "require": _read_level,
    "only": _read_kinds,
    "skip": _read_kinds,
    "profile": _read_words,
    "format": _read_words,
    "jobs": _read_count,
    "max_bytes": read_size,
    "max_time": read_duration,
    "db": _read_database,
    "store": _read_folder,
    "cache_dir": _read_folder,
    "swh_url": _read_base,
    "swh_token": Secret,
    "source": _read_words,
    "git_clones": _read_folders,
    "git_mirrors": _read_mirrors,
    "use_git_credentials": _read_flag,
    "notify_secret": Secret,
    "smtp_url": SecretAddress,
    "mail_from": _read_mailbox,
}
_LISTS = {"only": False, "skip": False, "profile": True, "format": True}
_LISTS |= {"source": True, "git_clones": False, "git_mirrors": False}
"""Settings that may be a list, and whether an item may hold a comma."""
_OF_OTHERS = {"TOKEN"}
"""Variables that are ours and no settings of a check."""
TOLD = tuple("SUBJECT NOTICE COLLECTION RUN BROKE HEALED NEW VANISHED".split())
"""Variables by which an audit tells a program of the user's what it found.

They are no settings either, and that program may well call us.
"""
_PREFIX = "REVERIFY_"
SECRETS = frozenset(
    f"{_PREFIX}{name.upper()}"
    for name, reader in {**_READERS, "token": Secret}.items()
    if reader in {Secret, SecretAddress}
)
"""Variables that no program need be told which is not one of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the user wants, from all places where it can be said.

    Attributes:
        offline: open no socket.
        strict: refuted warnings refute as well.
        require: the level that a crate must reach.
        only: test these kinds of claim alone.
        skip: leave out these kinds of claim.
        profile: URIs or names of further profiles to judge by.
        recurse: check crates inside crates too.
        allow_private: private and loopback addresses may be contacted.
        jobs: how many files are read at once.
        max_bytes: how many bytes of one crate may be read.
        max_time: how many seconds one crate may take.
        format: how to write the report, `NAME` or `NAME=FILE`.
        no_progress: show no progress.
        db: the database of the registry and of the history.
        store: the folder in which files of capsules are kept by their digest.
        cache_dir: the folder for what can be had again.
        swh_url: the base of the API of Software Heritage, or of a mirror of it.
        swh_token: a token for that API, or `@` and the file that holds it.
        source: where to look for code first: repositories, by path or URL.
        git_clones: folders of clones in which to look for code next.
        git_mirrors: what to ask in place of which origins of code,
            `https://HOST/=file:///FOLDER/` or another URL.
        use_git_credentials: use your own git credentials, for hosts that `source` or
            `git-mirrors` names alone.
        notify_secret: what notices of audits to webhooks are signed with, or `@` and
            the file that holds it.
        smtp_url: the server that takes mail, `smtp://USER:PASSWORD@HOST:587` or
            `smtps://HOST`, or `@` and the file that holds it.
        mail_from: whom mail comes from.
        origins: where each setting came from, by its name.
    """

    offline: bool = False
    strict: bool = False
    require: Level | None = None
    only: tuple[ClaimKind, ...] = ()
    skip: tuple[ClaimKind, ...] = ()
    profile: tuple[str, ...] = ()
    recurse: bool = False
    allow_private: bool = False
    jobs: int = 2
    max_bytes: int = 1_000_000_000_000
    max_time: float = 3600.0
    format: tuple[str, ...] = ("text",)
    no_progress: bool = False
    db: str = ""
    store: Path = Path()
    cache_dir: Path = Path()
    swh_url: str = "https://archive.softwareheritage.org/api/1/"
    swh_token: Secret = _NO_SECRET
    source: tuple[str, ...] = ()
    git_clones: tuple[Path, ...] = ()
    git_mirrors: tuple[str, ...] = ()
    use_git_credentials: bool = False
    notify_secret: Secret = _NO_SECRET
    smtp_url: Secret = _NO_ADDRESS
    mail_from: str = ""
    origins: Mapping[str, str]

    @property
    def kinds(self) -> frozenset[ClaimKind]:
        """The kinds of claim that are asked for."""
        return frozenset(self.only or ClaimKind) - frozenset(self.skip)

    def archive_token(self) -> str:
        """The token for the archive, or an empty text.

        Raises:
            UsageError: it cannot be read, or would go where it may not.
        """
        if not self.swh_token:
            return ""
        url, place = self.swh_url, self.origins["swh_url"]
        if _is_of_project(place) and place != self.origins["swh_token"]:
            raise UsageError(
                f"{place} says where the archive is, and so where your token would go;"
                " set REVERIFY_SWH_URL yourself, or unset REVERIFY_SWH_TOKEN"
            )
        host = urlsplit(url).hostname
        if url.startswith("http:") and host not in LOOPBACK:
            raise UsageError(f"{url}: a token is sent by https only")
        return self.swh_token.reveal()

    def mail_server(self) -> str:
        """The address of the server that takes mail, secrets included, or nothing.

        Raises:
            UsageError: it cannot be read, or the project says it: mail tells what lies
                here, and any host that it names would be called.
        """
        place = self.origins["smtp_url"]
        if self.smtp_url and _is_of_project(place):
            raise UsageError(
                f"{place} says smtp-url, and so where your mail would go; set"
                " REVERIFY_SMTP_URL yourself"
            )
        return self.smtp_url.reveal()

    def git_credentials(self) -> bool:
        """Whether the user's own git credentials may be used.

        Raises:
            UsageError: the project says so, or says to whom they would go.
        """
        if not self.use_git_credentials:
            return False
        for name in ("use_git_credentials", "source", "git_mirrors"):
            place = self.origins[name]
            if _is_of_project(place):
                raise UsageError(
                    f"{place} says {name.replace('_', '-')}, and so where your"
                    f" credentials would go; set REVERIFY_{name.upper()} yourself, or"
                    " unset REVERIFY_USE_GIT_CREDENTIALS"
                )
        return True


def _is_of_project(place: str) -> bool:
    """Whether a setting came from the folder where the user stands."""
    return PROJECT_FILE in place or "[tool.reverify]" in place


NAMES = tuple(field.name for field in fields(Settings) if field.name != "origins")


def load_settings(
    flags: Mapping[str, Any] | None = None,
    *,
    policy: tuple[str, Mapping[str, Any]] | None = None,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
    user_folder: Path | None = None,
) -> Settings:
    """Put the settings together.

    Args:
        flags: values of command-line options by name; those left unset are None.
        policy: where a policy was named for this check, and the settings in it.
        environ: the environment.
        folder: where the user stands.
        user_folder: where the user's own file lies.

    Raises:
        UsageError: a key is unknown, or a value makes no sense.
    """
    values: dict[str, Any] = {}
    origins = dict.fromkeys(NAMES, "default")
    sources = _sources(flags, environ, folder, user_folder)
    if policy is not None:
        sources.insert(-1, policy)  # only the command line is stronger
    for origin, found in sources:
        for name, value in found.items():
            if name not in NAMES:
                near = difflib.get_close_matches(name, NAMES, 1)
                advice = f"; did you mean {near[0]}?" if near else ""
                raise UsageError(f"{origin}: there is no setting {name!r}{advice}")
            values[name] = _value(name, value, origin)
            origins[name] = origin
    if not values.get("jobs"):
        values["jobs"] = max(2, min(os.cpu_count() or 2, 16))
    data = Path(platformdirs.user_data_dir("reverify"))
    values.setdefault("db", f"sqlite:///{data / 'reverify.sqlite'}")
    values.setdefault("store", data / "store")
    values.setdefault("cache_dir", Path(platformdirs.user_cache_dir("reverify")))
    return Settings(**values, origins=origins)


def _sources(
    flags: Mapping[str, Any] | None,
    environ: Mapping[str, str] | None,
    folder: Path | None,
    user_folder: Path | None,
) -> list[tuple[str, Mapping[str, Any]]]:
    """All places where settings can be, the weakest first."""
    env = os.environ if environ is None else environ
    here = Path.cwd() if folder is None else folder
    if user_folder is None:
        user_folder = Path(platformdirs.user_config_dir("reverify"))
    sources: list[tuple[str, Mapping[str, Any]]] = []
    sources += [
        (str(path), _toml(path))
        for path in (user_folder / USER_FILE, here / PROJECT_FILE)
        if path.is_file()
    ]
    project = here / "pyproject.toml"
    if project.is_file() and not (here / PROJECT_FILE).is_file():
        tools = _toml(project).get("tool")
        table = tools.get("reverify", {}) if isinstance(tools, dict) else {}
        origin = f"{project} [tool.reverify]"
        if not isinstance(table, dict):
            raise UsageError(f"{origin}: must be a table")
        sources.append((origin, _plain_keys(table)))
    sources.append(("environment", _variables(env)))
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    sources.append(("command line", given))
    return sources


def _variables(env: Mapping[str, str]) -> dict[str, str]:
    """The settings in the environment.

    Raises:
        UsageError: a variable is nearly one of ours: what it was to say would be
            unheard. Others with our prefix are let be.
    """
    known = {name.upper() for name in NAMES}
    found = {}
    for variable, value in env.items():
        name = variable.removeprefix(_PREFIX)
        if name == variable or name in _OF_OTHERS or name in TOLD:
            continue
        if name not in known:
            near = difflib.get_close_matches(name, known | _OF_OTHERS, 1, 0.75)
            if near:
                advice = f"did you mean {_PREFIX}{near[0]}?"
                raise UsageError(f"environment: there is no {variable}; {advice}")
            continue
        found[name.lower()] = value
    if "db" not in found and env.get("SCIDEX_DB_BACKEND") == "postgres":
        found["db"] = "postgresql://"  # where it is, the usual PG* variables say
    return found


def _plain_keys(table: Mapping[str, Any]) -> dict[str, Any]:
    return {name.replace("-", "_"): value for name, value in table.items()}


def _toml(path: Path) -> dict[str, Any]:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from error
    return _plain_keys(found)


def _value(name: str, value: object, origin: str) -> object:
    """Read a value: text as from the environment, anything else by its own type."""
    try:
        if isinstance(value, (str, int, float, Path)):
            return _READERS[name](str(value))
        return _list(name, value)
    except ValueError as error:
        spelled = name.replace("_", "-")
        raise UsageError(f"{origin}: {spelled}: {error}") from error


def _list(name: str, items: object) -> object:
    """Read a list: its items are taken whole, since a file name may hold a comma."""
    if not isinstance(items, (list, tuple, set, frozenset)):
        raise ValueError(f"{type(items).__name__} is no value for it")  # noqa: TRY004
    if name not in _LISTS:
        raise ValueError("one value is needed, not a list")
    if not all(isinstance(item, str) for item in items):
        raise ValueError("the items of the list must be text")
    words = [str(item) for item in items]
    return tuple(words) if _LISTS[name] else _READERS[name](",".join(words))
