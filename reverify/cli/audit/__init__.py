"""`reverify audit`: many crates, again and again, and what changed."""

import typer

from reverify.cli.audit import reporting, running, showing

audit_app = typer.Typer(
    help="Check whole collections again and again, and tell what changed.\n\n"
    "Each run is kept in the database that REVERIFY_DB names, and sealed.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
audit_app.command("run")(running.run)
audit_app.command("plan")(running.plan)
audit_app.command("status")(showing.status)
audit_app.command("drift")(showing.drift)
audit_app.command("history")(showing.history)
audit_app.command("report")(reporting.report)
audit_app.command("verify")(showing.verify)
