"""Audits: how much of a crate was read and why, what runs add up to, answers."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Widen the tables of the history; what is there was read in full."""
    for name in ("options", "summary"):
        op.add_column("reverify_audit_runs", sa.Column(name, sa.LargeBinary))
    columns: tuple[sa.Column[Any], ...] = (
        sa.Column("reading", sa.String(8), nullable=False, server_default="full"),
        sa.Column("why", sa.String(12), nullable=False, server_default="new"),
        sa.Column("kinds", sa.String(6)),
        sa.Column("read", sa.Integer),
        sa.Column("last_full", sa.Integer),
        sa.Column("files", sa.BigInteger),
        sa.Column("bytes", sa.BigInteger),
        sa.Column("seconds", sa.Float),
        sa.Column("stamp", sa.LargeBinary),
    )
    for column in columns:
        op.add_column("reverify_audit_checks", column)
    op.execute("UPDATE reverify_audit_checks SET read = run, last_full = run")
    op.drop_index("ix_reverify_audit_checks_crate", "reverify_audit_checks")
    op.create_index(
        "ix_reverify_audit_checks_crate", "reverify_audit_checks", ["crate", "run"]
    )
    op.create_table(
        "reverify_audit_head",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("runs", sa.Integer, nullable=False),
        sa.Column("seal", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_reverify_audit_head"),
    )
    op.execute(
        "INSERT INTO reverify_audit_head (id, runs, seal) SELECT 1, 0, seal"
        " FROM reverify_audit_runs WHERE seal IS NOT NULL AND number ="
        " (SELECT max(number) FROM reverify_audit_runs WHERE seal IS NOT NULL)"
    )
    op.execute(
        "UPDATE reverify_audit_head SET runs ="
        " (SELECT count(*) FROM reverify_audit_runs WHERE seal IS NOT NULL)"
    )
    op.create_table(
        "reverify_audit_answers",
        sa.Column("run", sa.Integer, nullable=False),
        sa.Column("about_sha256", sa.String(64), nullable=False),
        sa.Column("about", sa.LargeBinary, nullable=False),
        sa.Column("answer", sa.String(16), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint(
            "run", "about_sha256", name="pk_reverify_audit_answers"
        ),
        sa.ForeignKeyConstraint(
            ["run"],
            ["reverify_audit_runs.number"],
            name="fk_reverify_audit_answers_run",
        ),
    )
    op.create_index(
        "ix_reverify_audit_answers_about_sha256",
        "reverify_audit_answers",
        ["about_sha256", "run"],
    )
