"""Audits: runs, crates, what was found of each crate in each run."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables of the history."""
    op.create_table(
        "reverify_audit_runs",
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("collection", sa.String(64), nullable=False),
        sa.Column("roots", sa.LargeBinary, nullable=False),
        sa.Column("tool", sa.String(32), nullable=False),
        sa.Column("started", sa.String(32), nullable=False),
        sa.Column("finished", sa.String(32)),
        sa.Column("before", sa.String(64)),
        sa.Column("seal", sa.String(64)),
        sa.PrimaryKeyConstraint("number", name="pk_reverify_audit_runs"),
    )
    op.create_index(
        "ix_reverify_audit_runs_collection", "reverify_audit_runs", ["collection"]
    )
    op.create_table(
        "reverify_audit_crates",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("location_sha256", sa.String(64), nullable=False),
        sa.Column("location", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_reverify_audit_crates"),
        sa.UniqueConstraint(
            "location_sha256", name="uq_reverify_audit_crates_location_sha256"
        ),
    )
    op.create_table(
        "reverify_audit_findings",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_reverify_audit_findings"),
        sa.UniqueConstraint("sha256", name="uq_reverify_audit_findings_sha256"),
    )
    op.create_table(
        "reverify_audit_checks",
        sa.Column("run", sa.Integer, nullable=False),
        sa.Column("crate", sa.Integer, nullable=False),
        sa.Column("findings", sa.Integer, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("level", sa.String(16)),
        sa.Column("digest", sa.String(64)),
        sa.PrimaryKeyConstraint("run", "crate", name="pk_reverify_audit_checks"),
        sa.ForeignKeyConstraint(
            ["run"], ["reverify_audit_runs.number"], name="fk_reverify_audit_checks_run"
        ),
        sa.ForeignKeyConstraint(
            ["crate"],
            ["reverify_audit_crates.id"],
            name="fk_reverify_audit_checks_crate",
        ),
        sa.ForeignKeyConstraint(
            ["findings"],
            ["reverify_audit_findings.id"],
            name="fk_reverify_audit_checks_findings",
        ),
    )
    op.create_index(
        "ix_reverify_audit_checks_crate", "reverify_audit_checks", ["crate"]
    )
