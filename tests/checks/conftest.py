"""Crates with code, made once for all tests of checks."""

from tests.checks.exported import archived, archived_crate, exported

__all__ = ["archived", "archived_crate", "exported"]
