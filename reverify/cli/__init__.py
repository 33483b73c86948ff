"""How do I ask at a terminal? The app names each command once.

A command translates: options to settings, reports to output, verdicts to exit codes.
"""

import contextlib
import gc
import logging
import os
import sys
from typing import Annotated

import typer

from reverify.cli import (
    archive,
    audit,
    bring,
    capsule,
    capture,
    check,
    export,
    reproduce,
    serve,
    show,
    swhid,
)
from reverify.cli._common import (
    EXIT_INTERRUPTED,
    EXIT_USAGE,
    complain,
    complain_of,
    internal_error,
)
from reverify.errors import ReverifyError
from reverify.version import __version__

HELP = """Tell whether a research object is still what it says it is.

Each statement of an RO-Crate becomes a claim, is tested on its own, and is reported
with evidence. What could not be looked at is never called fine, nor bad.

Begin with: reverify check crate.zip
"""

_BadUsage: type[Exception] = typer.BadParameter.__mro__[2]
"""The root of what click says of a bad command line; typer may bring its own click."""

app = typer.Typer(
    help=HELP,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:  # noqa: FBT001 - typer calls it so
    if asked:
        typer.echo(f"reverify {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            "-V",
            callback=_version,
            is_eager=True,
            help="Show the version.",
        ),
    ] = False,
) -> None:
    del version


app.command("check")(check.check)
app.command("reproduce")(reproduce.reproduce)
app.command("export")(export.export)
app.command("import")(bring.import_)
app.command("roundtrip")(bring.roundtrip)
app.command("upgrade")(bring.upgrade)
app.command("serve")(serve.serve)
app.command("swhid")(swhid.swhid)
app.command("archive")(archive.archive)
app.command("diff")(show.diff)
app.command("explain")(show.explain)
app.command("rules")(show.rules)
app.command("profiles")(show.profiles)

config_app = typer.Typer(
    help=show.config.__doc__, invoke_without_command=True, rich_markup_mode=None
)
app.add_typer(config_app, name="config")
config_app.callback()(show.config)
config_app.command("policy")(show.policy)

app.add_typer(audit.audit_app, name="audit")
capsule_app = typer.Typer(
    help="Capsules: capture, register, list, show, and see that the registry holds.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(capsule_app, name="capsule")
capsule_app.command("capture", context_settings={"allow_interspersed_args": False})(
    capture.capture
)
capsule_app.command("commits")(capture.commits)
capsule_app.command("register")(capsule.register)
capsule_app.command("list")(capsule.list_capsules)
capsule_app.command("show")(capsule.show)
capsule_app.command("history")(capsule.history)
capsule_app.command("verify-db")(capsule.verify_db)
capsule_app.command("export-all")(capsule.export_all)


def main() -> None:
    """Run the command line, and leave with its exit code."""
    gc.set_threshold(5_000_000)  # looking for cycles among findings is in vain
    sys.setswitchinterval(0.0005)  # threads that feed other processes must not wait
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s: %(message)s")
    code = _run(sys.argv[1:])
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)  # giving back hundreds of thousands of findings one by one is slow


def _run(arguments: list[str]) -> int:
    """Run one command line; whatever goes wrong is said on standard error."""
    try:
        code = app(arguments, prog_name="reverify", standalone_mode=False)
    except _BadUsage as error:
        error.show()  # type: ignore[attr-defined]
        return EXIT_USAGE
    except (KeyboardInterrupt, typer.Abort):
        complain("interrupted")
        return EXIT_INTERRUPTED
    except ReverifyError as error:
        complain_of(error)
        return EXIT_USAGE
    except SystemExit:
        return 0  # whoever read our output has seen enough; nothing was judged
    except Exception as error:  # noqa: BLE001 - whatever it is
        verbose = any(item in {"-v", "-vv", "--verbose"} for item in arguments)
        return internal_error(error, verbose=verbose)
    if code == EXIT_INTERRUPTED:  # some versions of typer make this of it themselves
        complain("interrupted")
    return code if isinstance(code, int) else 0
