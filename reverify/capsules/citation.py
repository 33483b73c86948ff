"""How a capsule is cited: CITATION.cff of the capsule, codemeta.json of its code.

Both say what the manifest says, in other words. Names of people are not taken apart
into given and family names: which is which, a manifest does not tell.

Source: Citation File Format 1.2.0; CodeMeta 3.0.
"""

import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from importlib import resources
from typing import Any

from reverify.model.capsule import Manifest

CFF_VERSION = "1.2.0"
CODEMETA_CONTEXT = "https://w3id.org/codemeta/3.0"
_EMAIL = re.compile(r"\S+@\S+\.\S{2,}")
_URL = re.compile(r"(https|http|ftp|sftp)://.+")
_NOT_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
Json = dict[str, Any]


def crate_iri(manifest: Manifest) -> str:
    """What a capsule and its crate are called everywhere: `urn:uuid:ID`."""
    return f"urn:uuid:{manifest.id}"


def published(manifest: Manifest) -> date:
    """The day on which a capsule was done, or else begun; never today.

    It is the day in the time zone that the manifest writes.
    """
    stated = manifest.document.get("completed") or manifest.document["created"]
    return date.fromisoformat(stated[:10])


def creators(manifest: Manifest) -> tuple[str, ...]:
    """Whom to name in a citation: the authors, or else the publisher."""
    publisher = manifest.part("publisher")
    people = manifest.document.get("authors") or ([publisher] if publisher else [])
    return tuple(dict.fromkeys(person["name"] for person in people))


def reference(manifest: Manifest) -> str:
    """One line by which the capsule is cited."""
    names = "; ".join(creators(manifest))
    publisher = manifest.part("publisher").get("name")
    parts = [
        f"{names} ({published(manifest).year})" if names else "",
        manifest.title if names else f"{manifest.title} ({published(manifest).year})",
        publisher if publisher and publisher != names else "",
        crate_iri(manifest),
    ]
    return ". ".join(part.rstrip(".") for part in parts if part) + "."


# -- CITATION.cff ----------------------------------------------------------------------


def citation_cff(manifest: Manifest, swhids: Sequence[str] = ()) -> bytes | None:
    """Write a CITATION.cff.

    Args:
        manifest: of the capsule.
        swhids: identifiers of its code.

    Returns:
        None if the manifest names neither author nor publisher: the format wants one.

    Source: Citation File Format 1.2.0, schema-guide.
    """
    authors = _cff_authors(manifest)
    if not authors:
        return None
    code, document = manifest.part("code"), manifest.document
    cores = dict.fromkeys(swhid.partition(";")[0] for swhid in swhids)
    repository = code.get("repository") or ""
    record: Json = {
        "cff-version": CFF_VERSION,
        "message": "If you use this capsule, please cite it as below.",
        "type": "dataset",
        "title": manifest.title,
        "abstract": document.get("description"),
        "authors": authors,
        "date-released": published(manifest).isoformat(),
        "keywords": list(dict.fromkeys(filter(None, document.get("keywords") or ()))),
        **_cff_license(document.get("license")),
        "identifiers": [
            {"type": "other", "value": crate_iri(manifest), "description": "capsule"},
            *(
                {"type": "swh", "value": core, "description": "code that was run"}
                for core in cores
            ),
        ],
        "repository-code": repository if _URL.fullmatch(repository) else None,
        "commit": code.get("git_commit"),
    }
    lines = _yaml({key: value for key, value in record.items() if value})
    return "".join(f"{line}\n" for line in lines).encode()


def _cff_authors(manifest: Manifest) -> list[Json]:
    publisher = manifest.part("publisher")
    people = manifest.document.get("authors") or ([publisher] if publisher else [])
    authors: list[Json] = []
    for person in people:
        author = {"name": person["name"]}
        if person.get("orcid"):
            author["orcid"] = person["orcid"]
        if _URL.fullmatch(person.get("url") or ""):
            author["website"] = person["url"]
        if _EMAIL.fullmatch(person.get("email") or ""):
            author["email"] = person["email"]
        if author not in authors:
            authors.append(author)
    return authors


def _cff_license(expression: str | None) -> Json:
    """A licence as the format can say it: ids of 2021, or several of which to choose.

    Whatever else SPDX can say has no place there, and is found in the crate.
    """
    if not expression:
        return {}
    known = _cff_license_ids()
    ids = [known.get(part.strip("() ").lower()) for part in expression.split(" OR ")]
    if None in ids:
        return {}
    return {"license": ids[0] if len(ids) == 1 else list(dict.fromkeys(ids))}


@functools.cache
def _cff_license_ids() -> Mapping[str, str]:
    """The licences that the schema of the format lists, by their lower case."""
    text = resources.files("reverify.capsules").joinpath("cff_licenses.txt").read_text()
    return {id.lower(): id for id in text.split()}


def _yaml(record: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """Write YAML 1.2, every text in double quotes: nothing in it has a meaning."""
    for key, value in record.items():
        if not isinstance(value, list):
            yield f"{indent}{key}: {_quoted(value)}"
            continue
        yield f"{indent}{key}:"
        for item in value:
            if isinstance(item, dict):
                first, *rest = _yaml(item)
                yield f"{indent}  - {first}"
                yield from (f"{indent}    {line}" for line in rest)
            else:
                yield f"{indent}  - {_quoted(item)}"


def _quoted(text: str) -> str:
    """A scalar in double quotes; what JSON escapes, YAML 1.2 understands."""
    quoted = json.dumps(text, ensure_ascii=False)
    return _NOT_YAML.sub(lambda match: f"\\u{ord(match.group()):04x}", quoted)


# -- codemeta.json ---------------------------------------------------------------------


def codemeta(manifest: Manifest, swhids: Sequence[str] = ()) -> bytes:
    """Write a codemeta.json for the code of a capsule.

    Who wrote the code, and its licence, are not those of the capsule, and left out.

    Args:
        manifest: of the capsule.
        swhids: identifiers of the code.

    Source: CodeMeta 3.0, terms.
    """
    code, environment = manifest.part("code"), manifest.part("environment")
    language = code.get("language") or {}
    interpreter = environment.get("interpreter") or {}
    name = code.get("name") or (code.get("path") or "").rpartition("/")[2]
    record: Json = {
        "@context": CODEMETA_CONTEXT,
        "type": "SoftwareSourceCode",
        "name": name or f"Code of: {manifest.title}",
        "version": code.get("version") or code.get("git_commit"),
        "identifier": list(swhids),
        "codeRepository": code.get("repository"),
        "programmingLanguage": _thing("ComputerLanguage", language),
        "runtimePlatform": _name_and_version(interpreter),
        "softwareRequirements": [
            _thing("SoftwareApplication", package) | _identifier(package)
            for package in environment.get("packages") or ()
        ],
        "isPartOf": {
            "id": crate_iri(manifest),
            "type": "Dataset",
            "name": manifest.title,
        },
    }
    kept = {key: value for key, value in record.items() if value}
    return f"{json.dumps(kept, indent=2, ensure_ascii=False)}\n".encode()


def _thing(type: str, said: Mapping[str, Any]) -> Json:
    stated = {key: said[key] for key in ("name", "version", "url") if said.get(key)}
    return {"type": type, **stated} if stated else {}


def _identifier(package: Mapping[str, Any]) -> Json:
    return {"identifier": package["purl"]} if package.get("purl") else {}


def _name_and_version(said: Mapping[str, Any]) -> str:
    return " ".join(filter(None, (said.get("name"), said.get("version"))))
