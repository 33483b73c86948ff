"""Capsules, their versions and files."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables of the registry."""
    op.create_table(
        "reverify_capsules",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("latest", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_reverify_capsules"),
    )
    op.create_index("ix_reverify_capsules_latest", "reverify_capsules", ["latest"])
    op.create_table(
        "reverify_versions",
        sa.Column("sequence", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("capsule", sa.String(36), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("created", sa.String(32), nullable=False),
        sa.Column("title", sa.LargeBinary, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("manifest_sha256", sa.String(64), nullable=False),
        sa.Column("files_sha256", sa.String(64), nullable=False),
        sa.Column("previous", sa.String(64)),
        sa.Column("before", sa.String(64)),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("manifest", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_reverify_versions"),
        sa.ForeignKeyConstraint(
            ["capsule"], ["reverify_capsules.id"], name="fk_reverify_versions_capsule"
        ),
        sa.UniqueConstraint("capsule", "number", name="uq_reverify_versions_capsule"),
    )
    op.create_table(
        "reverify_files",
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("position", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("sha256", sa.String(64)),
        sa.Column("size", sa.BigInteger),
        sa.Column("place", sa.String(16), nullable=False),
        sa.Column("base", sa.LargeBinary),
        sa.PrimaryKeyConstraint("version", "position", name="pk_reverify_files"),
        sa.ForeignKeyConstraint(
            ["version"],
            ["reverify_versions.sequence"],
            name="fk_reverify_files_version",
        ),
    )
    head = op.create_table(
        "reverify_head",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64)),
        sa.PrimaryKeyConstraint("id", name="pk_reverify_head"),
    )
    op.bulk_insert(head, [{"id": 1, "sequence": 0, "digest": None}])
