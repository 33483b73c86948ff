"""People and organizations."""

import re
from typing import Any
from urllib.parse import unquote

from reverify.capsules.mapping.graph import Graph, key_of, stated
from reverify.capsules.mapping.interface import Json
from reverify.capsules.mapping.reader import Reader
from reverify.capsules.mapping.terms import encoded, is_url
from reverify.crates.entity import Entity

_ORCID = re.compile(
    r"https?://orcid\.org/([0-9]{4}-[0-9]{4}-[0-9]{4}-[0-9]{3}[0-9X])/?"
)
_ROR = re.compile(r"https?://ror\.org/(0[0-9a-hj-km-np-tv-z]{6}[0-9]{2})/?")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


def write_person(graph: Graph, record: Json, number: int) -> Json:
    """Write an author.

    Args:
        graph: where to.
        record: as in the manifest.
        number: which author it is, from 1.
    """
    person = stated(record)
    thing = key_of("person", person)
    if thing in graph.ids:
        return {"@id": graph.ids[thing]}
    id = graph.name(thing, person.get("orcid"), f"person-{number}")
    return graph.add(
        id,
        "Person",
        {
            "name": person["name"],
            "identifier": _unless(id, person.get("orcid")),
            "affiliation": [
                write_organization(graph, each)
                for each in person.get("affiliations") or ()
            ],
            "contactPoint": _contact(graph, person.get("email")),
        },
    )


def write_organization(graph: Graph, record: Json) -> Json:
    """Write an affiliation or a publisher; its ROR id is its address if it has none."""
    organization = stated(record)
    thing = key_of("organization", organization)
    if thing in graph.ids:
        return {"@id": graph.ids[thing]}
    ror = organization.get("ror")
    id = graph.name(thing, ror, "organization")
    return graph.add(
        id,
        "Organization",
        {
            "name": organization["name"],
            "identifier": _unless(id, ror),
            "url": organization.get("url") or ror,
            "contactPoint": _contact(graph, organization.get("email")),
        },
        derived=() if organization.get("url") else ("url",),
    )


def _contact(graph: Graph, email: str | None) -> Json | None:
    if email is None:
        return None
    thing = key_of("contact", email)
    if thing in graph.ids:
        return {"@id": graph.ids[thing]}
    id = graph.name(thing, f"mailto:{encoded(email, '%?#')}", "contact")
    properties = {"name": "E-mail", "contactType": "contact", "email": email}
    return graph.add(id, "ContactPoint", properties, ("name", "contactType"))


def _unless(id: str, value: str | None) -> str | None:
    return None if id == value else value


def read_person(reader: Reader, about: Entity, key: str, value: object) -> Json | None:
    """Read an author, described or only named."""
    entity = _described(reader, value)
    if entity is None:
        return _named(reader, about, key, value)
    name = _name(reader, entity)
    if name is None:
        reader.remark(f"{entity.id}: has no name, and is left out of the {key}s")
        return None
    record: Json = {"name": name}
    if orcid := _identified(reader, entity, _ORCID):
        record["orcid"] = f"https://orcid.org/{orcid}"
    if email := _email(reader, entity):
        record["email"] = email
    affiliations = [
        each
        for value in entity.values("affiliation")
        if (each := read_organization(reader, entity, "affiliation", value))
    ]
    if affiliations:
        record["affiliations"] = affiliations
    reader.ids.setdefault(key_of("person", record), entity.id)
    return record


def read_organization(
    reader: Reader, about: Entity, key: str, value: object
) -> Json | None:
    """Read an affiliation or a publisher, described or only named."""
    entity = _described(reader, value)
    if entity is None:
        return _named(reader, about, key, value)
    name = _name(reader, entity)
    if name is None:
        reader.remark(f"{entity.id}: has no name, and is left out as {key}")
        return None
    record: Json = {"name": name}
    if ror := _identified(reader, entity, _ROR):
        record["ror"] = f"https://ror.org/{ror}"
    for url, stated_as in reader.links(entity, "url"):
        if is_url(url):
            reader.use(entity, "url", stated_as)
            if url != record.get("ror"):
                record["url"] = url
            break
    if email := _email(reader, entity):
        record["email"] = email
    reader.ids.setdefault(key_of("organization", record), entity.id)
    return record


def _described(reader: Reader, value: object) -> Entity | None:
    id = value.get("@id") if isinstance(value, dict) else None
    return reader.metadata.by_id.get(id) if isinstance(id, str) else None


def _named(reader: Reader, about: Entity, key: str, value: Any) -> Json | None:  # noqa: ANN401 - JSON
    """Whoever is named by plain text, or by a nested object that has a name."""
    name = value.get("name") if isinstance(value, dict) else value
    if not isinstance(name, str) or not name:
        reader.remark(f"{about.id}: {key} names nobody who is described, left out")
        return None
    if isinstance(value, str) and key != "creator":
        reader.use(about, key, value)
    return {"name": name}


def _name(reader: Reader, entity: Entity) -> str | None:
    name = reader.text(entity, "name")
    if not name:
        parts = (entity.text("givenName"), entity.text("familyName"))
        name = " ".join(part for part in parts if part)
    return name or None


def _identified(reader: Reader, entity: Entity, form: re.Pattern[str]) -> str | None:
    """The digits of an ORCID iD or ROR id, wherever people write it."""
    if match := form.fullmatch(entity.id):
        return match[1]
    for key in ("identifier", "sameAs", "url"):
        for text, value in reader.links(entity, key):
            if match := form.fullmatch(text):
                if key == "identifier":
                    reader.use(entity, key, value)
                return match[1]
    return None


def _email(reader: Reader, entity: Entity) -> str | None:
    speakers = [*reader.entities(entity, "contactPoint"), entity]
    for speaker in speakers:
        for text, value in reader.links(speaker, "email"):
            email = unquote(text[7:]) if text.startswith("mailto:") else text
            if _EMAIL.fullmatch(email):
                reader.use(speaker, "email", value)
                if speaker is not entity:
                    reader.ids.setdefault(key_of("contact", email), speaker.id)
                return email
    return None
