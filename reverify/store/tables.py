"""The tables of the store.

Their names have a prefix, since a PostgreSQL database may hold what others keep too.
What can be any text is kept as bytes of UTF-8: PostgreSQL has no NUL in a text.
Migrations make them; `tests/store/test_migrations.py` holds both against each other.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

REVISION = "0003"
"""The migration that makes what is written here."""
KNOWN_REVISIONS = ("0001", "0002", REVISION)
"""All migrations, the first one first."""
VERSION_TABLE = "reverify_migrations"
"""Where Alembic notes which migrations were made."""

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMES)

capsules = Table(
    "reverify_capsules",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("latest", Integer, nullable=False, index=True),
)
"""One row for each capsule; `latest` is the sequence of its latest version."""

versions = Table(
    "reverify_versions",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("capsule", String(36), ForeignKey(capsules.c.id), nullable=False),
    Column("number", Integer, nullable=False),
    Column("created", String(32), nullable=False),
    Column("title", LargeBinary, nullable=False),
    Column("status", String(16), nullable=False),
    Column("manifest_sha256", String(64), nullable=False),
    Column("files_sha256", String(64), nullable=False),
    Column("previous", String(64)),
    Column("before", String(64)),
    Column("digest", String(64), nullable=False),
    Column("manifest", LargeBinary, nullable=False),
    UniqueConstraint("capsule", "number"),
)
"""One row for each registration, never changed."""

files = Table(
    "reverify_files",
    metadata,
    Column("version", Integer, ForeignKey(versions.c.sequence), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("role", String(16), nullable=False),
    Column("path", Text, nullable=False),
    Column("sha256", String(64)),
    Column("size", BigInteger),
    Column("place", String(16), nullable=False),
    Column("base", LargeBinary),
)
"""One row for each file of a version, never changed."""

head = Table(
    "reverify_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("sequence", Integer, nullable=False),
    Column("digest", String(64)),
)
"""One row: where the chain of all registrations ends. Whoever writes locks it."""

audit_runs = Table(
    "reverify_audit_runs",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("collection", String(64), nullable=False, index=True),
    Column("roots", LargeBinary, nullable=False),
    Column("tool", String(32), nullable=False),
    Column("started", String(32), nullable=False),
    Column("finished", String(32)),
    Column("before", String(64)),
    Column("seal", String(64)),
    Column("options", LargeBinary),
    Column("summary", LargeBinary),
)
"""One row for each audit; sealed, and never changed again, once it is finished."""

audit_crates = Table(
    "reverify_audit_crates",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("location_sha256", String(64), nullable=False, unique=True),
    Column("location", LargeBinary, nullable=False),
)
"""One row for each place where a crate was found."""

audit_findings = Table(
    "reverify_audit_findings",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("data", LargeBinary, nullable=False),
)
"""What was found of a crate, each set of findings once: unchanged, it is a number."""

audit_checks = Table(
    "reverify_audit_checks",
    metadata,
    Column("run", Integer, ForeignKey(audit_runs.c.number), primary_key=True),
    Column("crate", Integer, ForeignKey(audit_crates.c.id), primary_key=True),
    Column("findings", Integer, ForeignKey(audit_findings.c.id), nullable=False),
    Column("at", String(32), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("level", String(16)),
    Column("digest", String(64)),
    Column("reading", String(8), nullable=False, server_default="full"),
    Column("why", String(12), nullable=False, server_default="new"),
    Column("kinds", String(6)),
    Column("read", Integer),
    Column("last_full", Integer),
    Column("files", BigInteger),
    Column("bytes", BigInteger),
    Column("seconds", Float),
    Column("stamp", LargeBinary),
    Index("ix_reverify_audit_checks_crate", "crate", "run"),
)
"""One row for each crate in each audit, never changed.

What was measured stands in the row of the run that read the crate in full alone, which
the rows after it name.
"""

audit_head = Table(
    "reverify_audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("runs", Integer, nullable=False),
    Column("seal", String(64), nullable=False),
)
"""One row: how many runs are sealed, and the seal of the last of them."""

audit_answers = Table(
    "reverify_audit_answers",
    metadata,
    Column("run", Integer, ForeignKey(audit_runs.c.number), primary_key=True),
    Column("about_sha256", String(64), primary_key=True),
    Column("about", LargeBinary, nullable=False),
    Column("answer", String(16), nullable=False),
    Column("at", String(32), nullable=False),
    Index("ix_reverify_audit_answers_about_sha256", "about_sha256", "run"),
)
"""What the archive said of an identifier, where it was not what it had said before."""
