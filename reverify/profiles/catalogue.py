"""All rules in one list: our own, and those of the profiles that the engine has.

The profiles' part is a table of names and levels, made from the engine when it is
updated, so that listing rules does not take starting it.
"""

import json
from pathlib import Path
from typing import Any

from reverify.model.outcome import Severity
from reverify.model.rules import RULES
from reverify.profiles.roc_validator import clause_of, slug

TABLE = Path(__file__).with_name("profile_rules.json")


def profile_table() -> list[dict[str, Any]]:
    """The profiles that the engine has: id, uri, and how many rules each has."""
    return [
        {"id": item["id"], "uri": item["uri"], "rules": len(item["rules"])}
        for item in _table()
    ]


def all_rules() -> list[dict[str, str]]:
    """Every rule, as plain text: ours first, then those of the profiles."""
    ours = [
        {
            "id": rule.id,
            "level": rule.severity.value,
            "keyword": rule.severity.keyword,
            "outcome": rule.outcome.value,
            "title": rule.title,
            "about": rule.about,
            "fix": rule.fix,
            "source": rule.source,
        }
        for rule in RULES.values()
    ]
    return ours + [
        {
            "id": f"conformance/{profile['id']}/{slug(name)}",
            "level": Severity(level).value,
            "keyword": Severity(level).keyword,
            "outcome": "",
            "title": name,
            "about": " ".join(
                [
                    *(f"{sentence}." for sentence in about),
                    f"A rule of the profile {profile['id']} ({profile['uri']}),",
                    "judged by roc-validator. The finding says what was found.",
                ]
            ),
            "fix": "",
            "source": clause_of(profile["id"], file),
        }
        for profile in _table()
        for name, level, file, *about in profile["rules"]
    ]


def _table() -> list[dict[str, Any]]:
    table: list[dict[str, Any]] = json.loads(TABLE.read_bytes())
    return table
