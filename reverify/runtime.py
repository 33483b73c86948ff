"""Settings made into tools; the only place where anything is wired together."""

import hashlib
import json
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from reverify.archiving.ahead import ask_ahead, count_unanswered, identifiers_at
from reverify.audits.finding import REGISTRY
from reverify.checks.interface import NoProgress, Progress, Tools
from reverify.crates.limits import Limits
from reverify.errors import UsageError
from reverify.model.outcome import ClaimKind
from reverify.model.report import Report
from reverify.policy import Policy
from reverify.policy_file import read_policy
from reverify.profiles.roc_validator import RocValidator
from reverify.ruling import Ruling
from reverify.services import Clock, Http, Services, SystemClock
from reverify.settings import Secret, SecretAddress, Settings, load_settings
from reverify.verification import verify as verify_crate
from reverify.version import __version__

if TYPE_CHECKING:
    from reverify.audits.looking import Look
    from reverify.capsules.registry import Registry
    from reverify.rerun.interface import Options, Tell, Watcher
    from reverify.rerun.reproducer import Reproducer
    from reverify.services.git import CodeSources, Vault
    from reverify.services.software_heritage import Archive, Patience


class Runtime(AbstractContextManager["Runtime"]):
    """`verify` with its tools bound; close it when done.

    Args:
        settings: what the user wants.
        progress: who is told how far the reading is.
        ruling: what a policy file says of findings, if one is named.
        rerun: how to run recorded actions again; None, and nothing is ever run.
        watcher: who is told how such a run goes.
        tell: is told what takes its time before it.

    Raises:
        UsageError: a profile to judge by is not known, or a token may not be used.
    """

    def __init__(
        self,
        settings: Settings,
        progress: Progress | None = None,
        *,
        ruling: Ruling | None = None,
        rerun: "Options | None" = None,
        watcher: "Watcher | None" = None,
        tell: "Tell | None" = None,
    ) -> None:
        self._settings = settings
        self._recurse = settings.recurse
        self._engine = RocValidator()
        for profile in settings.profile:
            if self._engine.profile_of(profile) is None:
                raise UsageError(
                    f"there is no profile {profile!r} to judge by; `reverify profiles`"
                    " lists those there are"
                )
        self._services = _services(settings, ruling.archive_age if ruling else None)
        self._tools = Tools(
            services=self._services,
            engine=self._engine,
            progress=progress or NoProgress(),
            profiles=settings.profile,
            reproducer=_reproducer(settings, self._services, rerun, watcher, tell),
        )
        self.policy = Policy(
            required=settings.require,
            strict=settings.strict,
            kinds=settings.kinds,
            ruling=ruling,
        )
        self._limits = Limits(
            total_bytes=settings.max_bytes,
            seconds=settings.max_time,
            jobs=settings.jobs,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._engine.close()
        if self._services.archive is not None:
            self._services.archive.close()
        if self._services.code is not None:
            self._services.code.close()

    def ahead(self, locations: Iterable[str]) -> Iterator[str]:
        """Give locations back one by one, the archive asked about many at once.

        To be used where more than one crate is verified:
        `for location in runtime.ahead(locations): runtime.verify(location)`.
        """
        archive = self._archive_to_ask()
        if archive is None:
            return iter(locations)
        return ask_ahead(
            locations, archive, lambda place: identifiers_at(place, self._limits)
        )

    def to_ask(self, locations: Iterable[str]) -> int | None:
        """How many identifiers the archive would be asked about; None if it is not."""
        archive = self._archive_to_ask()
        if archive is None:
            return None
        return count_unanswered(
            locations, archive, lambda place: identifiers_at(place, self._limits)
        )

    def _archive_to_ask(self) -> "Archive | None":
        """The archive, if crates are to be looked up there and it may be asked."""
        is_wanted = ClaimKind.ARCHIVAL in self.policy.kinds
        is_online = self._services.http is not None
        return self._services.archive if is_wanted and is_online else None

    def capsules(self) -> Iterator[str]:
        """The places of all capsules of the registry, for audits."""
        from reverify.registered import capsules  # noqa: PLC0415 - seldom

        return capsules(self._registry)

    def look(self, place: str) -> "Look":
        """Look at a crate, or at a capsule of the registry, for audits."""
        if place.startswith(REGISTRY):
            from reverify import registered  # noqa: PLC0415 - loads all of capsules

            return registered.look_at(self._registry, place)
        from reverify.audits.looking import look_at  # noqa: PLC0415

        return look_at(place, offline=self._services.http is None)

    @cached_property
    def _registry(self) -> "Registry":
        from reverify.capsules.registry import open_registry  # noqa: PLC0415 - SQL

        return open_registry(self._settings)

    def audited(self, place: str) -> Iterator[Report]:
        """Check a crate, or a capsule of the registry.

        Raises:
            UsageError: there is nothing at that place.
        """
        if place.startswith(REGISTRY):
            from reverify import registered  # noqa: PLC0415 - seldom

            return registered.verify(self._registry, place, self.verify)
        return self.verify(place)

    def verify(self, location: str) -> Iterator[Report]:
        """Check the crate at a location and, if asked, the crates inside it.

        Raises:
            UsageError: there is nothing at the location.
        """
        waiting = deque([""])
        known = {""}
        while waiting:
            inside = waiting.popleft()
            report = verify_crate(
                location,
                policy=self.policy,
                tools=self._tools,
                limits=self._limits,
                inside=inside,
            )
            if self._recurse:
                base = f"{inside}/" if inside else ""
                nested = [base + path for path in report.subject.nested]
                found = [path for path in nested if path not in known]
                waiting.extend(found)
                known.update(found)
            yield report


@dataclass(frozen=True, slots=True, kw_only=True)
class Checker:
    """Makes what checks a crate, in whatever process calls it.

    Attributes:
        settings: what the user wants.
        ruling: what a policy file says of findings, if one is named.
    """

    settings: Settings
    ruling: Ruling | None = None

    def __call__(self) -> Callable[[str], Iterator[Report]]:
        """The check; crates are read by one process each, since many are at work."""
        alone = replace(self.settings, jobs=1)
        return Runtime(alone, ruling=self.ruling).audited

    def without_secrets(self) -> "Checker":
        """The same, to be sent where others may see it: to plain tcp, say."""
        bare = replace(
            self.settings,
            swh_token=Secret(""),
            notify_secret=Secret(""),
            smtp_url=SecretAddress(""),
            use_git_credentials=False,
        )
        return replace(self, settings=bare)

    def terms(self) -> str:
        """A digest of all that decides how a crate is judged, today."""
        settings, ruling = self.settings, self.ruling
        today = SystemClock().now().date()
        asked = {
            "kinds": sorted(settings.kinds),
            "require": settings.require,
            "strict": settings.strict,
            "profiles": sorted(settings.profile),
            "offline": settings.offline,
            "policy": ruling.name.sha256 if ruling else None,
            "over": [each.rule for each in ruling.tolerated if today > each.until]
            if ruling
            else [],
        }
        text = json.dumps(asked, sort_keys=True).encode("utf-8", "backslashreplace")
        return hashlib.sha256(text).hexdigest()


def settled(
    flags: Mapping[str, Any], policy: Path | None
) -> tuple[Settings, Ruling | None]:
    """The settings, and what the policy file says of findings.

    What flags say wins over the policy, and the policy over all other places.

    Raises:
        UsageError: a setting makes no sense.
        PolicyError: the policy file cannot be used.
    """
    if policy is None:
        return load_settings(flags), None
    found = read_policy(policy)
    settings = load_settings(flags, policy=(found.origin, found.settings))
    return settings, found.ruling


def _services(settings: Settings, oldest: float | None) -> Services:
    """What lies outside; nothing that needs a socket, if we are to stay offline."""
    if settings.offline:
        clock = SystemClock()
        code = _code(settings, None, clock)
        return Services(clock=clock, code=code, archive=_kept_answers(settings, oldest))
    from reverify.services.software_heritage.commits import commits_of  # noqa: PLC0415

    http, clock = web(settings), SystemClock()
    archive = open_archive(settings, http, oldest=oldest)
    code = _code(settings, http, clock, commits_of(archive))
    return Services(http=http, clock=clock, archive=archive, code=code)


def _reproducer(
    settings: Settings,
    services: Services,
    options: "Options | None",
    watcher: "Watcher | None",
    tell: "Tell | None",
) -> "Reproducer | None":
    """What runs recorded actions again; None if nobody asks for it."""
    if options is None:
        return None
    from reverify.rerun.choosing import Chooser  # noqa: PLC0415 - never unasked
    from reverify.rerun.engines import ENGINES  # noqa: PLC0415
    from reverify.rerun.reproducer import Reproducer  # noqa: PLC0415
    from reverify.rerun.sandbox import Bubblewrap, Unconfined  # noqa: PLC0415

    sandbox = Bubblewrap() if options.confined else Unconfined()
    return Reproducer(
        services=services,
        engines=ENGINES,
        choose=Chooser(
            options,
            sandbox,
            os.environ,
            settings.cache_dir,
            offline=settings.offline,
            tell=tell or (lambda _: None),
        ),
        options=options,
        watcher=watcher,
    )


def _kept_answers(settings: Settings, oldest: float | None) -> "Archive | None":
    """The archive as far as it answered before; it is not asked."""
    if not (settings.cache_dir / "software-heritage").is_dir():
        return None
    from reverify.services.software_heritage import Patience  # noqa: PLC0415

    return open_archive(settings, patience=Patience(requests=0), oldest=oldest)


def web(settings: Settings) -> Http:
    """The one way to the web."""
    agent = f"reverify/{__version__}"
    return Http(allow_private=settings.allow_private, agent=agent)


def open_archive(
    settings: Settings,
    http: Http | None = None,
    patience: "Patience | None" = None,
    *,
    oldest: float | None = None,
) -> "Archive":
    """The archive that the settings name, and its kept answers; close it when done.

    Args:
        settings: what the user wants.
        http: the way to the web; None for one of its own.
        patience: how much a call may cost.
        oldest: how old kept answers may be, in seconds; None for any age.

    Raises:
        UsageError: the token may not be used.
    """
    from reverify.services.software_heritage import Archive, Cache  # noqa: PLC0415

    clock = SystemClock()
    return Archive(
        http or web(settings),
        base=settings.swh_url,
        token=settings.archive_token(),
        cache=Cache(settings.cache_dir / "software-heritage", clock, oldest=oldest),
        clock=clock,
        patience=patience,
    )


def _code(
    settings: Settings, http: Http | None, clock: Clock, vault: "Vault | None" = None
) -> "CodeSources | None":
    """Where code is looked for; None if we are offline and have nothing of it."""
    kept = settings.cache_dir / "git"
    given = settings.source or settings.git_clones or settings.git_mirrors
    if http is None and not given and not kept.is_dir():
        return None
    from reverify.services.git import (  # noqa: PLC0415 - not for every check
        Bounds,
        Cache,
        CodeLimits,
        CodeSources,
        Credentials,
        read_mirrors,
    )

    limits = CodeLimits()
    bounds = Bounds(file_bytes=limits.file_bytes, seconds=int(limits.processor_seconds))
    own = Credentials(os.environ) if settings.git_credentials() else None
    return CodeSources(
        cache=Cache(kept, bounds),
        http=http,
        clock=clock,
        sources=settings.source,
        clones=settings.git_clones,
        mirrors=read_mirrors(settings.git_mirrors),
        vault=vault,
        allow_private=settings.allow_private,
        credentials=own,
        limits=limits,
    )


def verify(location: str, **options: Any) -> Report:  # noqa: ANN401 - see Settings
    """Check one crate.

    Args:
        location: a path, URL or DOI.
        options: settings by name, `offline=True` or `require="intact"` say; they win
            over the environment and over files, as options of the command line do.
            And `policy`: the path of a policy file to judge by.

    Raises:
        UsageError: there is nothing at the location, or an option makes no sense.
        PolicyError: the policy file cannot be used.
    """
    policy = options.pop("policy", None)
    settings, ruling = settled(options, None if policy is None else Path(policy))
    with Runtime(settings, ruling=ruling) as runtime:
        return next(runtime.verify(location))
