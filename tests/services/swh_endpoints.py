"""What each place of the archive's API answers, errors and quirks included."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

from tests.services import swh_bundles
from tests.services.swh_objects import KINDS, WORDS, Json, branch_shown, checksums, iso

if TYPE_CHECKING:
    from tests.services.swh_double import SwhDouble

Found = Any
"""What JSON has, or an `Answer`."""
CORE = re.compile("swh:1:(cnt|dir|rev|rel|snp):([0-9a-f]{40})")
FORGES = {"github.com", "gitlab.com", "bitbucket.org", "codeberg.org"}
VISIT_TYPES = {"bzr", "cvs", "git", "hg", "svn", "tarball"}
HTML = (
    b"<!DOCTYPE html><html><head><title>503 Backend fetch failed</title></head></html>"
)


class Answer(NamedTuple):
    """What is sent; a fault is left to whoever sends it."""

    status: int
    headers: dict[str, str]
    body: bytes
    fault: str = ""


class RefusalError(Exception):
    """An error of the API, by the name of its class."""

    def __init__(self, status: int, name: str, reason: object, **more: object) -> None:
        super().__init__(name)
        self.status = status
        self.document = {"exception": name, "reason": reason, **more}


class Request(NamedTuple):
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    def value(self, name: str, otherwise: str = "") -> str:
        return parse_qs(self.query).get(name, [otherwise])[0]

    def number(self, name: str, otherwise: int) -> int:
        text = self.value(name)
        if not text:
            return otherwise
        if not re.fullmatch("-?[0-9]+", text):
            reason = {name: ["A valid integer is required."]}
            raise RefusalError(400, "ValidationError", reason)
        return int(text)


def as_json(
    status: int, document: object, headers: Mapping[str, str] | None = None
) -> Answer:
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    shape = {"Content-Type": "application/json", **(headers or {})}
    return Answer(status, shape, text.encode())


def no_route(path: str) -> Answer:
    reason = f"The resource {path} could not be found on the server."
    return as_json(404, {"error": "Resource not found", "reason": reason})


BYTES = {"Content-Type": "application/octet-stream"}
_PAGE = {"Content-Type": "text/html; charset=utf-8", "Server": "Varnish"}
FAULTS = {
    "500": as_json(500, {"exception": "OperationalError", "reason": "a bug"}),
    "502": Answer(502, _PAGE, HTML),
    "503": Answer(503, _PAGE, HTML),
    "storage": as_json(503, {"exception": "StorageDBError", "reason": "no connection"}),
    "html": Answer(200, _PAGE, HTML),
    "html 404": Answer(404, _PAGE, HTML),
    "json": Answer(200, {"Content-Type": "application/json"}, b'{"known": tr'),
    "429": as_json(429, {"exception": "Throttled", "reason": "Request was throttled."}),
}


def _parse_core(text: object) -> tuple[str, str]:
    if not isinstance(text, str):
        raise RefusalError(500, "TypeError", "expected string or bytes-like object")
    match = CORE.fullmatch(text)
    if match is None:
        reason = f"Error when parsing identifier: Invalid SWHID: invalid syntax: {text}"
        raise RefusalError(400, "BadInputExc", reason)
    return match[1], match[2]


def _id(request: Request, match: "re.Match[str]") -> str | Answer:
    """An id in a path: redirected to lower case, refused where it is no SHA-1."""
    id = match[1]
    if id != id.lower():
        place = quote(request.path.replace(id, id.lower()), safe="/:;=?")
        tail = f"?{request.query}" if request.query else ""
        return Answer(302, {"Location": f"/api/1/{place}{tail}"}, b"")
    if len(id) == 64:
        raise RefusalError(400, "BadInputExc", "Only sha1_git is supported.")
    if len(id) != 40:
        reason = f"Invalid checksum query string {id}"
        raise RefusalError(400, "BadInputExc", reason)
    return id


# -- endpoints -------------------------------------------------------------------------


def _ping(double: "SwhDouble", request: Request, match: "re.Match[str]") -> Found:
    del double, request, match
    return "pong"


def _known(double: "SwhDouble", request: Request, match: "re.Match[str]") -> Found:
    del match
    kind = request.headers.get("content-type", "").partition(";")[0]
    if kind != "application/json":
        reason = f'Unsupported media type "{kind}" in request.'
        raise RefusalError(415, "UnsupportedMediaType", reason)
    try:
        asked = json.loads(request.body)
    except ValueError as error:
        raise RefusalError(400, "ParseError", f"JSON parse error - {error}") from error
    if len(asked) > 1000:
        reason = "The maximum number of SWHIDs this endpoint can receive is 1000"
        raise RefusalError(413, "LargePayloadExc", reason)
    for text in asked:
        _parse_core(text)
    lies = double.known_lies
    return {
        text: {"known": lies.get(text, double.objects.knows(text))} for text in asked
    }


def _resolve(double: "SwhDouble", request: Request, match: "re.Match[str]") -> Found:
    del request
    core, *rest = match[1].split(";")
    type, id = _parse_core(core.lower())
    qualifiers = {}
    for part in rest:
        name, equals, value = part.partition("=")
        good = name in {"origin", "visit", "anchor", "path", "lines"}
        if not equals or not good or re.search(r"\s", value):
            reason = f"Error when parsing identifier: Invalid qualifier: {part}"
            raise RefusalError(400, "BadInputExc", reason)
        qualifiers[name] = value
    double.find(type, id)
    if "origin" in qualifiers:
        double.visits(unquote(qualifiers["origin"]))
    if "path" in qualifiers and "anchor" in qualifiers:
        double.find(*_parse_core(qualifiers["anchor"]))
    order = ["origin", "visit", "anchor", "path", "lines"]
    return {
        "namespace": "swh",
        "scheme_version": 1,
        "object_type": WORDS[type],
        "object_id": id,
        "metadata": {name: qualifiers[name] for name in order if name in qualifiers},
        "browse_url": f"https://archive.softwareheritage.org/browse/{WORDS[type]}/{id}/",
    }


def _revision(double: "SwhDouble", request: Request, match: "re.Match[str]") -> Found:
    id = _id(request, match)
    if isinstance(id, Answer):
        return id
    double.find("rev", id)
    found = double.objects.revision(double.base, id)
    other = double.directories.get(id, found["directory"])
    url = f"{double.base}directory/{other}/"
    return {**found, "directory": other, "directory_url": url}


def _log(double: "SwhDouble", request: Request, match: "re.Match[str]") -> Found:
    id = _id(request, match)
    if isinstance(id, Answer):
        return id
    double.find("rev", id)
    found: list[Json] = []
    waiting, seen = [id], {id}
    while waiting and len(found) < request.number("limit", 10):
        here = waiting.pop(0)
        row = double.objects.revision(double.base, here)
        found.append(row)
        new = [parent["id"] for parent in row["parents"] if parent["id"] not in seen]
        seen.update(new)
        waiting += new
    return found


def _release(double: "SwhDouble", request: Request, match: "re.Match[str]") -> Found:
    id = _id(request, match)
    if isinstance(id, Answer):
        return id
    double.find("rel", id)
    return double.objects.release(double.base, id)


def _directory(double: "SwhDouble", request: Request, match: "re.Match[str]") -> Found:
    id = _id(request, match)
    if isinstance(id, Answer):
        return id
    double.find("dir", id)
    objects, path = double.objects, match[2]
    if not path:
        entries = sorted(objects.entries(id), key=lambda entry: entry.name)
        return [objects.entry(double.base, id, entry) for entry in entries]
    reason = f"Directory entry with path {path} from root directory {id} not found"
    nothing = RefusalError(404, "NotFoundExc", reason)
    here = id
    parts = path.rstrip("/").split("/")
    for place, part in enumerate(parts):
        if objects.get("dir", here) is None:
            raise nothing
        found = [
            entry for entry in objects.entries(here) if entry.name == part.encode()
        ]
        if not found:
            raise nothing
        if place == len(parts) - 1:
            return objects.entry(double.base, here, found[0], "/".join(parts))
        if found[0].type != "dir":
            raise nothing
        here = found[0].id
    raise nothing


def _content(double: "SwhDouble", request: Request, match: "re.Match[str]") -> Found:
    algorithm, digest = (match[1] or "sha1:")[:-1], match[2].lower()
    if algorithm not in {"sha1", "sha1_git", "sha256", "blake2s256"}:
        raise RefusalError(500, "ValueError", f"Unknown algorithm {algorithm}")
    objects = double.objects
    for swhid, body in objects.bodies.items():
        if (
            swhid.startswith("swh:1:cnt:")
            and checksums(body, every=True)[algorithm] == digest
        ):
            break
    else:
        reason = f"Content with {algorithm} checksum equals to {digest} not found!"
        raise RefusalError(404, "NotFoundExc", reason)
    double.find("cnt", swhid.rpartition(":")[2])
    if request.path.endswith("/raw/"):
        name = request.value("filename") or f"content_{algorithm}_{digest}_raw"
        shown = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Answer(200, {**BYTES, **shown}, body)
    url = f"{double.base}content/sha1_git:{swhid.rpartition(':')[2]}/"
    return {
        "length": len(body),
        "status": objects.status(swhid),
        "checksums": checksums(body, every=True),
        "data_url": f"{url}raw/",
        "filetype_url": f"{url}filetype/",
        "language_url": f"{url}language/",
        "license_url": f"{url}license/",
        "swhid": swhid,
    }


def _snapshot(double: "SwhDouble", request: Request, match: "re.Match[str]") -> Found:
    id = _id(request, match)
    if isinstance(id, Answer):
        return id
    count = request.number("branches_count", 1000)
    if not 1 <= count <= 1000:
        reason = {
            "branches_count": ["Ensure this value is less than or equal to 1000."]
        }
        raise RefusalError(400, "ValidationError", reason)
    double.find("snp", id)
    types = set(filter(None, request.value("target_types").split(",")))
    start = request.value("branches_from")
    rows = {
        branch_shown(name): branch
        for name, branch in sorted(double.objects.branches(double.base, id).items())
        if branch_shown(name) >= start
        if not types or (branch and branch["target_type"] in types)
    }
    names = list(rows)
    following = names[count] if len(names) > count else None
    found = {
        "id": id,
        "branches": {name: rows[name] for name in names[:count]},
        "next_branch": following,
    }
    if following is None:
        return found
    query = urlencode({"branches_from": following, "branches_count": count})
    link = f'<{double.base}snapshot/{id}/?{query}>; rel="next"'
    return as_json(200, found, {"Link": link})


def _raw(double: "SwhDouble", request: Request, match: "re.Match[str]") -> Found:
    del request
    type, id = _parse_core(match[1].lower())
    body = double.find(type, id)
    header = b"%s %d\0" % (KINDS[type].encode(), len(body))
    return Answer(200, BYTES, header + body)


def _origin(double: "SwhDouble", request: Request, match: "re.Match[str]") -> Found:
    del request
    url, visits = double.visits(match[1])
    place = f"{double.base}origin/{url}"
    return {
        "url": url,
        "visit_types": sorted({visit["type"] for visit in visits}),
        "origin_visits_url": f"{place}/visits/",
        "metadata_authorities_url": f"{double.base}raw-extrinsic-metadata/swhid/x/",
    }


def _visits(double: "SwhDouble", request: Request, match: "re.Match[str]") -> Found:
    url, visits = double.visits(match[1])
    count = min(max(request.number("per_page", 10), 1), double.page_of_visits)
    before = request.number("last_visit", 1 << 62)
    rows = [row for row in reversed(visits) if row["visit"] < before]
    page = [_visit_row(double, row, "origin_visit_url") for row in rows[:count]]
    if len(rows) <= count:
        return page
    query = urlencode({"last_visit": page[-1]["visit"], "per_page": count})
    link = f'<{double.base}origin/{quote(url)}/visits/?{query}>; rel="next"'
    return as_json(200, page, {"Link": link})


def _visit_row(double: "SwhDouble", row: Json, key: str) -> Json:
    place = f"{double.base}origin/{row['origin']}"
    snapshot = row["snapshot"]
    url = f"{place}/visit/{row['visit']}/" if key == "origin_visit_url" else place
    return {
        **row,
        key: url,
        "snapshot_url": f"{double.base}snapshot/{snapshot}/" if snapshot else None,
    }


def _visit(double: "SwhDouble", request: Request, match: "re.Match[str]") -> Found:
    url, visits = double.visits(match[1])
    rows = list(reversed(visits))
    if match[2] == "latest":
        if request.value("require_snapshot").lower() in {"true", "1"}:
            rows = [row for row in rows if row["snapshot"]]
        kind = request.value("visit_type")
        rows = [row for row in rows if kind in {"", row["type"]}]
    else:
        rows = [row for row in rows if row["visit"] == int(match[2])]
    if not rows:
        raise RefusalError(404, "NotFoundExc", f"No visit for origin {url} found")
    return _visit_row(double, rows[0], "origin_url")


def _save(double: "SwhDouble", request: Request, match: "re.Match[str]") -> Found:
    found = match.groupdict()
    type = found.get("type") or request.value("visit_type")
    url = found.get("url") or request.value("origin_url")
    if type not in VISIT_TYPES:
        reason = f"Visit of type {type} can not be saved!"
        raise RefusalError(400, "BadInputExc", reason)
    rows = [
        row
        for row in reversed(double.saved)
        if (row["visit_type"], row["origin_url"]) == (type, url)
    ]
    if request.method == "GET":
        if not rows:
            reason = f"No save requests found for visit of type {type} on origin {url}."
            raise RefusalError(404, "NotFoundExc", reason)
        return rows[0] if double.single_saves else rows
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.password:
        reason = f"The provided origin url ({url}) is not valid!"
        raise RefusalError(400, "BadInputExc", reason)
    if url in double.blocked:
        reason = f'The "save code now" request has been rejected: {url} is blacklisted.'
        raise RefusalError(403, "ForbiddenExc", reason)
    if rows and rows[0]["visit_status"] is None:
        return rows[0]
    accepted = parts.hostname in FORGES or url in double.remotes
    row = {
        "id": len(double.saved) + 1,
        "request_url": f"{double.base}origin/save/{len(double.saved) + 1}/",
        "origin_url": url,
        "visit_type": type,
        "save_request_date": iso(datetime.fromtimestamp(double.now(), UTC)),
        "save_request_status": "accepted" if accepted else "pending",
        "save_task_status": "pending" if accepted else "not created",
        "visit_status": None,
        "visit_date": None,
        "note": None,
        "snapshot_swhid": None,
        "loading_task_id": 7 if accepted else None,
    }
    double.saved.append(row)
    return row


def _saved(double: "SwhDouble", request: Request, match: "re.Match[str]") -> Found:
    del request
    for row in double.saved:
        if row["id"] == int(match[1]):
            return row
    raise RefusalError(
        404, "NotFoundExc", f"Save request with id {match[1]} not found."
    )


def _vault(double: "SwhDouble", request: Request, match: "re.Match[str]") -> Found:
    kind, (type, id) = match[1], _parse_core(match[2].lower())
    if type == "cnt":
        reason = "Content objects do not need to be cooked, use content/raw instead."
        raise RefusalError(400, "BadInputExc", reason)
    if kind == "flat" and type != "dir":
        reason = "Only directories can be cooked as 'flat' bundles."
        raise RefusalError(400, "BadInputExc", reason)
    swhid = f"swh:1:{type}:{id}"
    states = double.cooked.get((kind, swhid))
    if request.method == "POST":
        if not double.objects.knows(swhid):
            raise RefusalError(404, "NotFoundExc", f"{swhid} not found.")
        if states is None or states == ["failed"]:
            last = ["new", "failed"] if double.cooking_fails else list(double.cooking)
            states = double.cooked[kind, swhid] = last
    elif states is None:
        reason = f"Cooking of {swhid} was never requested."
        raise RefusalError(404, "NotFoundExc", reason)
    elif len(states) > 1:
        states.pop(0)
    message = double.cooking_fails if states[0] == "failed" else None
    return {
        "fetch_url": f"{double.base}vault/{kind}/{swhid}/raw/",
        "progress_message": message,
        "id": 3,
        "status": states[0],
        "swhid": swhid,
    }


def _bundle(double: "SwhDouble", request: Request, match: "re.Match[str]") -> Found:
    del request
    kind, (type, id) = match[1], _parse_core(match[2].lower())
    swhid = f"swh:1:{type}:{id}"
    if double.cooked.get((kind, swhid), [""])[0] != "done":
        reason = f"Cooked archive for {swhid} not found."
        raise RefusalError(404, "NotFoundExc", reason)
    if (kind, swhid) not in double.bundles:
        made = (
            swh_bundles.flat(double.objects, id)
            if kind == "flat"
            else swh_bundles.bare(double.objects, swhid, packed=double.packed)
        )
        double.bundles[kind, swhid] = made
    if double.storage:
        place = f"{double.storage}/storage/{quote(f'{kind} {swhid}')}/"
        return Answer(302, {"Location": place}, b"")
    type_ = {"flat": "application/gzip", "git-bare": "application/x-tar"}[kind]
    return Answer(200, {"Content-Type": type_}, double.bundles[kind, swhid])


def _external(double: "SwhDouble", request: Request, match: "re.Match[str]") -> Found:
    version = request.number("extid_version", 0)
    type, form, value = match[1], match[2], match[3]
    if form != "hex":
        raise RefusalError(400, "BadInputExc", f"the double knows hex only, not {form}")
    target = double.external.get((type, version, value.lower()))
    if target is None:
        reason = f"ExtID of type {type} and value {value} not found."
        raise RefusalError(404, "NotFoundExc", reason)
    return _external_row(double, type, version, value, target)


def _external_row(
    double: "SwhDouble", type: str, version: int, value: str, target: str
) -> Json:
    return {
        "extid": value,
        "extid_type": type,
        "extid_version": version,
        "target": target,
        "target_url": f"{double.base.removesuffix('api/1/')}{target}",
    }


def _externals(double: "SwhDouble", request: Request, match: "re.Match[str]") -> Found:
    del request
    found = [
        _external_row(double, *key, target)
        for key, target in double.external.items()
        if target == match[1]
    ]
    if not found:
        reason = f"No ExtID found for target {match[1]}."
        raise RefusalError(404, "NotFoundExc", reason)
    return found


def _forbidden(double: "SwhDouble", request: Request, match: "re.Match[str]") -> Found:
    del double, request, match
    raise RefusalError(401, "UnauthorizedExc", "This API requires authentication.")


_API, _SAVE, _COOK = "swh_api", "swh_save_origin", "swh_vault_cooking"
_SWHID = "(swh:1:[a-z]+:[0-9a-f]+)"
ROUTES: list[
    tuple[str, str, str, Callable[["SwhDouble", Request, "re.Match[str]"], Any]]
] = [
    (r"ping/", "GET", _API, _ping),
    (r"known/", "POST", _API, _known),
    (r"resolve/(.+)/", "GET", _API, _resolve),
    (r"revision/([0-9a-fA-F]+)/", "GET", _API, _revision),
    (r"revision/([0-9a-fA-F]+)/log/", "GET", _API, _log),
    (r"release/([0-9a-fA-F]+)/", "GET", _API, _release),
    (r"directory/([0-9a-fA-F]+)/()", "GET", _API, _directory),
    (r"directory/([0-9a-fA-F]+)/(.+)/", "GET", _API, _directory),
    (r"content/([a-z0-9_]+:)?([0-9a-fA-F]+)/(?:raw/)?", "GET", _API, _content),
    (r"snapshot/([0-9a-fA-F]+)/", "GET", _API, _snapshot),
    (rf"(?i)raw/{_SWHID}/", "GET", "swh_raw_object", _raw),
    (r"origin/save/([0-9]+)/", "GET", f"{_SAVE}", _saved),
    (r"origin/save/(?P<type>[a-z]+)/url/(?P<url>.+)/", "GET POST", _SAVE, _save),
    (r"origin/save/", "GET POST", _SAVE, _save),
    (r"origin/(.+)/get/", "GET", _API, _origin),
    (r"origin/(.+)/visits/", "GET", _API, _visits),
    (r"origin/(.+)/visit/(latest)/", "GET", "swh_api_origin_visit_latest", _visit),
    (r"origin/(.+)/visit/([0-9]+)/", "GET", _API, _visit),
    (rf"(?i)vault/(flat|git-bare)/{_SWHID}/", "GET POST", _COOK, _vault),
    (rf"(?i)vault/(flat|git-bare)/{_SWHID}/raw/", "GET", _API, _bundle),
    (r"extid/target/(.+)/", "GET", _API, _externals),
    (r"extid/([a-z0-9-]+)/(hex|base64url|raw):(.+)/", "GET", _API, _external),
    (r"graph/.*", "GET", _API, _forbidden),
    (r"provenance/.*", "GET", _API, _forbidden),
]
