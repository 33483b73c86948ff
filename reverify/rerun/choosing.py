"""What a plan runs in: the environment that is asked for, and what confines it."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from reverify.crates.crate import Crate
from reverify.errors import LackError
from reverify.model.rerun import Departure, Plan
from reverify.rerun.environments import (
    Container,
    as_is,
    build_venv,
    differences,
    in_container,
)
from reverify.rerun.interface import Engine, Environment, Options, Sandbox, Tell

MOST_LOCK_FILE = 4 << 20


class Choice(NamedTuple):
    """What a plan runs in.

    Attributes:
        environment: its programs.
        sandbox: what confines it.
        departures: how the surroundings differ from the record.
    """

    environment: Environment
    sandbox: Sandbox
    departures: tuple[Departure, ...]


class Chooser:
    """Makes the environment of each plan, as the user asked.

    Args:
        options: what the user wants.
        sandbox: what confines it, where no container does.
        environ: the user's environment.
        cache_dir: built environments are kept below it.
        offline: whether the network must not be used for building.
        tell: is told what takes its time.
    """

    def __init__(
        self,
        options: Options,
        sandbox: Sandbox,
        environ: Mapping[str, str],
        cache_dir: Path,
        *,
        offline: bool,
        tell: Tell = lambda _: None,
    ) -> None:
        self._options = options
        self._sandbox = sandbox
        self._environ = environ
        self._cache_dir = cache_dir
        self._offline = offline
        self._tell = tell

    def __call__(self, plan: Plan, crate: Crate, engine: Engine) -> Choice:
        """Make the environment of a plan.

        Raises:
            LackError: it is not to be had.
        """
        recorded, programs = plan.recorded, engine.programs(plan)
        sandbox = self._sandbox
        if self._options.environment == "container":
            if not recorded.container:
                raise LackError(
                    "no container is recorded, so that it can run in none",
                    "Run it as-is, or in a venv.",
                )
            container = Container(recorded.container, self._environ)
            environment = in_container(
                container, recorded, offline=self._offline, tell=self._tell
            )
            sandbox = container
        elif self._options.environment == "venv":
            if not recorded.lock_file:
                raise LackError(
                    "no lock file is recorded, so that no venv can be built",
                    "Record one as `buildInstructions` of the code; or run it as-is.",
                )
            data = crate.payload.read(recorded.lock_file, MOST_LOCK_FILE)
            environment = build_venv(
                (recorded.lock_file, data),
                recorded,
                self._environ,
                programs,
                cache_dir=self._cache_dir,
                offline=self._offline,
                tell=self._tell,
            )
        else:
            environment = as_is(recorded, self._environ, programs)
        missing = sandbox.missing()
        if missing:
            raise LackError(
                missing,
                "Install bubblewrap, or run it unconfined: --unsafe-no-sandbox.",
            )
        departures = differences(recorded, environment.surroundings)
        return Choice(environment, sandbox, departures)
