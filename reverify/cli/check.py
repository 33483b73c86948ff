"""`reverify check`: test what crates say."""

from typing import Annotated

import typer

from reverify.cli import _options
from reverify.cli._judging import judge


def check(  # noqa: PLR0917 - one parameter for each option
    locations: _options.Locations,
    format: _options.Format = None,
    json: _options.Json = None,
    require: _options.Require = None,
    only: _options.Only = None,
    skip: _options.Skip = None,
    profile: _options.Profile = None,
    policy: _options.Policy = None,
    source: _options.Source = None,
    offline: _options.Offline = None,
    strict: _options.Strict = None,
    recurse: _options.Recurse = None,
    jobs: _options.Jobs = None,
    max_bytes: _options.MaxBytes = None,
    max_time: _options.MaxTime = None,
    allow_private: _options.AllowPrivate = None,
    rerun: Annotated[
        bool | None,
        typer.Option(
            "--rerun",
            help="Run recorded runs again, confined; `reverify reproduce` says more.",
        ),
    ] = None,
    quiet: _options.Quiet = 0,
    verbose: _options.Verbose = 0,
    no_progress: _options.NoProgress = None,
) -> int:
    """Test what crates say of themselves.

    Is it well-formed, is every file there, does every digest hold? The report says so
    claim by claim, with evidence, and what could not be told.

    Exit codes: 0 confirmed, 1 refuted, 2 usage or no such input, 3 could not be told,
    4 internal error, 130 interrupted. With several crates the gravest counts.
    """
    flags = {
        "format": (*(format or ()), *(["json"] if json else ())) or None,
        "require": require,
        "only": only or None,
        "skip": skip or None,
        "profile": profile or None,
        "source": source or None,
        "offline": offline,
        "strict": strict,
        "recurse": recurse,
        "jobs": jobs,
        "max_bytes": max_bytes,
        "max_time": max_time,
        "allow_private": allow_private,
        "no_progress": no_progress,
    }
    options = None
    if rerun:
        from reverify.rerun.interface import Options  # noqa: PLC0415 - seldom

        options = Options()
    return judge(
        locations, flags, quiet=quiet, verbose=verbose, policy=policy, rerun=options
    )
