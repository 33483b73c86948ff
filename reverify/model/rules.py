"""The rules: permanent ids, and what a person should know of each.

`reverify explain` prints this table, and the pages in `docs/reference/rules/` are made
from it. An id is never renamed and never used again for something else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from reverify.model.outcome import ClaimKind, Outcome, Severity

E, W, N = Severity.ERROR, Severity.WARNING, Severity.NOTE
_YES, _NO = Outcome.CONFIRMED, Outcome.REFUTED
_MAYBE, _NOT_ASKED = Outcome.UNDETERMINED, Outcome.UNTESTED

SPEC = "https://www.researchobject.org/ro-crate/specification/1.2"
BAGIT = "https://www.rfc-editor.org/rfc/rfc8493.html"
OCFL = "https://ocfl.io/1.1/spec/"
JSON_SPEC = "https://www.rfc-editor.org/rfc/rfc8259.html"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        id: `kind/slug`, permanent.
        outcome: what a finding under this rule says.
        severity: how much it matters: error (MUST), warning (SHOULD), note (MAY).
        title: the rule in one sentence.
        about: why there is such a rule, and what the finding does and does not say.
        fix: what to do.
        source: the clause of the specification it comes from, if one says it.
    """

    id: str
    outcome: Outcome
    severity: Severity
    title: str
    about: str
    fix: str = ""
    source: str = ""

    @property
    def kind(self) -> ClaimKind:
        """The kind of claim that it is about."""
        return ClaimKind(self.id.partition("/")[0])

    @property
    def slug(self) -> str:
        """The id without the kind."""
        return self.id.partition("/")[2]


_TABLE = (
    # -- conformance ---------------------------------------------------------------
    Rule(
        "conformance/not-a-crate",
        _NO,
        E,
        "There is an RO-Crate at the location.",
        "No metadata document was found at the root, in the only top folder, or in the"
        " data folder of a bag; or the location is of a kind that cannot hold a crate."
        " The finding says what was found instead. A bag is judged all the same.",
        "Give the folder that holds ro-crate-metadata.json, or put one there.",
        f"{SPEC}/structure.html",
    ),
    Rule(
        "conformance/document-reads",
        _YES,
        E,
        "The metadata document reads as a JSON object with a flat list of entities.",
        "It is UTF-8, is JSON without repeated keys, and each member of @graph is an"
        " object with an @id of its own.",
        "",
        f"{SPEC}/appendix/jsonld.html",
    ),
    Rule(
        "conformance/json-invalid",
        _NO,
        E,
        "The metadata document is JSON in UTF-8.",
        "Parsers differ on what they make of anything else: NaN, numbers of thousands"
        " of digits, nesting without end, other encodings. None of it is guessed at.",
        "Write the document with a JSON library, in UTF-8.",
        JSON_SPEC,
    ),
    Rule(
        "conformance/not-a-graph",
        _NO,
        E,
        "The metadata document is an object whose @graph is an array.",
        "Without such an array there are no entities, and nothing else can be judged.",
        "Write the document in flattened JSON-LD form.",
        f"{SPEC}/appendix/jsonld.html",
    ),
    Rule(
        "conformance/not-an-entity",
        _NO,
        E,
        "Every member of @graph is an object with a textual @id.",
        "What is not is left out of everything that follows, and only this is said.",
        "Give the entity an @id, or remove it.",
        f"{SPEC}/appendix/jsonld.html",
    ),
    Rule(
        "conformance/duplicate-key",
        _NO,
        E,
        "No object of the metadata document holds a key twice.",
        "JSON parsers differ on which of the two values they keep, so that two readers"
        " see two different crates.",
        "Keep one, or make an array of both values.",
        f"{JSON_SPEC}#section-4",
    ),
    Rule(
        "conformance/duplicate-id",
        _NO,
        E,
        "No two entities of the graph have the same @id.",
        "Readers differ on whether they take the first, the last or the union.",
        "Merge the two entities into one.",
        f"{SPEC}/appendix/jsonld.html",
    ),
    Rule(
        "conformance/limit-reached",
        _MAYBE,
        E,
        "The metadata document can be read within the budget.",
        "What lies beyond a budget was not looked at, and is neither fine nor bad.",
        "Check with a larger budget if you trust the crate.",
    ),
    Rule(
        "conformance/context-official",
        _YES,
        E,
        "The @context names official contexts and plain terms.",
        "What its keys mean can be told without fetching anything.",
        "",
        f"{SPEC}/appendix/jsonld.html",
    ),
    Rule(
        "conformance/context-missing",
        _NO,
        E,
        "The metadata document has an @context.",
        "Without one its keys mean nothing to a JSON-LD processor.",
        "Set @context to the versioned context of RO-Crate.",
        f"{SPEC}/appendix/jsonld.html",
    ),
    Rule(
        "conformance/context-is-a-profile",
        _NO,
        E,
        "The @context is not the address of a specification or profile.",
        "Such an address leads to a web page or to another crate's metadata. JSON-LD"
        " processors find no terms there, so that no key of the document means anything"
        " to them. Some exporters write https://w3id.org/ro/crate/1.1 where"
        " https://w3id.org/ro/crate/1.1/context is meant.",
        "Add /context to the address, as in https://w3id.org/ro/crate/1.1/context.",
        f"{SPEC}/appendix/jsonld.html",
    ),
    Rule(
        "conformance/context-unknown",
        _MAYBE,
        E,
        "The @context is one that we know.",
        "Contexts are never fetched during a check, so that the answer is the same on"
        " every machine. What the terms of this one mean is not known here, and the"
        " profiles could not be judged.",
        "Use the official contexts, and define further terms in the document.",
    ),
    Rule(
        "conformance/context-refused",
        _MAYBE,
        E,
        "The @context does not reach beyond official contexts and plain terms.",
        "Paths, @import, @base, @propagate and contexts within terms can make a JSON-LD"
        " processor read files or change what names mean. No processor was run.",
        "Use the official contexts, and define further terms in the document.",
    ),
    Rule(
        "conformance/context-redefines-term",
        _NO,
        E,
        "The @context leaves alone the terms of RO-Crate that checks depend on.",
        "Redefining File, hasPart, sha256 and their like hides files and digests from"
        " readers of RDF while readers of JSON still see them.",
        "Remove the entry, or use a term of your own.",
    ),
    Rule(
        "conformance/root-missing",
        _NO,
        E,
        "The metadata descriptor leads to a root data entity.",
        "Readers begin at ro-crate-metadata.json and follow its `about`. Without both,"
        " nobody can tell what the crate is.",
        "Describe ro-crate-metadata.json, with `about` leading to the root.",
        f"{SPEC}/root-data-entity.html#finding-the-root-data-entity",
    ),
    Rule(
        "conformance/graph-sound",
        _YES,
        W,
        "The graph holds together.",
        "All data entities can be reached from the root, references lead somewhere, all"
        " keys are defined, and dates are dates.",
    ),
    Rule(
        "conformance/undefined-term",
        _NO,
        W,
        "Every key and type is defined by the @context.",
        "JSON-LD processors drop what is not defined. A digest under an undefined key,"
        " sha256 with the context of RO-Crate 1.1 say, is invisible to such readers; it"
        " is tested here all the same.",
        "Define the term in the @context, or use a context that has it.",
        f"{SPEC}/appendix/jsonld.html#extending-ro-crate",
    ),
    Rule(
        "conformance/unreachable-data-entity",
        _NO,
        E,
        "Every data entity can be reached from the root through hasPart.",
        "Readers that walk from the root do not see it.",
        "Add it to the hasPart of the root, or of a folder that is reached.",
        f"{SPEC}/data-entities.html",
    ),
    Rule(
        "conformance/dangling-reference",
        _NO,
        W,
        "Local references lead to an entity of the graph.",
        "The graph refers to something that it does not describe.",
        "Describe it, or remove the reference.",
        f"{SPEC}/appendix/jsonld.html",
    ),
    Rule(
        "conformance/date-not-iso",
        _NO,
        W,
        "Dates and times are in ISO 8601.",
        "Other ways to write a date are read differently by different people.",
        "Write 2026-01-31 or 2026-01-31T12:00:00+00:00.",
        f"{SPEC}/root-data-entity.html",
    ),
    Rule(
        "conformance/ends-before-start",
        _NO,
        W,
        "No recorded run ends before it starts.",
        "One of the two times is wrong, or they are in different time zones that are"
        " not written down.",
        "Correct the times, and write them with their offset.",
    ),
    Rule(
        "conformance/profile-unknown",
        _MAYBE,
        E,
        "Every profile that the crate declares is one that we can judge.",
        "There is no machine-readable form of this profile here. Whether the crate"
        " follows it was not looked at.",
        "",
    ),
    Rule(
        "conformance/version-unjudged",
        _MAYBE,
        E,
        "The version of RO-Crate is one that we can judge.",
        "The profile engine knows 1.1, 1.2 and 1.3. Other versions are read, and their"
        " files and digests tested, but their conformance is not judged.",
        "",
    ),
    Rule(
        "conformance/version-missing",
        _NO,
        E,
        "The metadata descriptor says which version of RO-Crate it follows.",
        "Without a conformsTo on the descriptor nobody can tell what rules apply.",
        "Add conformsTo with the versioned address of the specification.",
        f"{SPEC}/root-data-entity.html#ro-crate-metadata-descriptor",
    ),
    Rule(
        "conformance/engine-failed",
        _MAYBE,
        E,
        "The profile engine gave an answer.",
        "roc-validator raised an error, ran out of its time or memory, or was not asked"
        " since the document is too large for it. Nothing follows from that.",
        "",
    ),
    Rule(
        "conformance/check-skipped",
        _NOT_ASKED,
        N,
        "Checks of a profile that would ask the network are not run by its engine.",
        "Whether web entities can be had is tested under completeness instead.",
    ),
    # -- completeness --------------------------------------------------------------
    Rule(
        "completeness/file-present",
        _YES,
        E,
        "The file or folder is there.",
        "It is listed in the crate, is of the right kind, and lies below the root.",
        "",
        f"{SPEC}/data-entities.html",
    ),
    Rule(
        "completeness/file-missing",
        _NO,
        E,
        "Every file and folder that the crate lists is there.",
        "Nothing lies at the path that the @id names, neither decoded nor as written.",
        "Add the file, correct the @id, or remove the entity.",
        f"{SPEC}/data-entities.html",
    ),
    Rule(
        "completeness/wrong-kind",
        _NO,
        E,
        "A File is a file and a Dataset is a folder.",
        "Something of the other kind lies at the path.",
        "Correct the @type.",
        f"{SPEC}/data-entities.html",
    ),
    Rule(
        "completeness/name-as-written",
        _NO,
        W,
        "Paths in @ids are percent-encoded.",
        "The file was found only under the name exactly as written. Readers that decode"
        " the @id, as they should, do not find it.",
        "Encode blanks as %20, % as %25, # as %23 and ? as %3F.",
        f"{SPEC}/data-entities.html",
    ),
    Rule(
        "completeness/path-unsafe",
        _NO,
        E,
        "Names lead to places below the root of the crate.",
        "The name is absolute, climbs out, or cannot be a path. Nothing was opened.",
        "Use a path relative to the root of the crate.",
        f"{SPEC}/data-entities.html",
    ),
    Rule(
        "completeness/symlink",
        _NO,
        E,
        "The crate's files are files, not links.",
        "Links are not followed: where they lead may not be part of the crate, and"
        " differs from machine to machine. The finding says where it points.",
        "Put the file itself into the crate.",
    ),
    Rule(
        "completeness/special-file",
        _NO,
        E,
        "The crate's files are regular files.",
        "Pipes, sockets, devices and sparse archive members are not opened.",
        "Remove it.",
    ),
    Rule(
        "completeness/file-unreadable",
        _MAYBE,
        E,
        "The file can be read.",
        "It is there, and reading it failed. What it holds is not known.",
        "Look at its permissions and at the medium.",
    ),
    Rule(
        "completeness/limit-reached",
        _MAYBE,
        E,
        "The crate can be read within the budget.",
        "What lies beyond a budget was not looked at, and is neither fine nor bad.",
        "Check with a larger --max-bytes or --max-time if you trust the crate.",
    ),
    Rule(
        "completeness/lfs-pointer",
        _NO,
        E,
        "The file is the file, not a Git LFS pointer to it.",
        "The content was left in Git LFS storage when the crate was made.",
        "Run `git lfs pull` and make the crate again.",
    ),
    Rule(
        "completeness/unlisted-file",
        _NO,
        N,
        "Every file of the crate is described.",
        "The metadata document need not list everything, so this is only a remark.",
        "Describe the file, or leave it.",
        f"{SPEC}/structure.html",
    ),
    Rule(
        "completeness/document-only",
        _NOT_ASKED,
        E,
        "The payload of the crate is at hand.",
        "Only the metadata document was given, so its files could not be looked for.",
        "Check the whole crate.",
    ),
    Rule(
        "completeness/web-available",
        _YES,
        W,
        "A web-based data entity can be had.",
        "The server answered that it has it. Its bytes were not fetched.",
        "",
        f"{SPEC}/data-entities.html#web-based-data-entities",
    ),
    Rule(
        "completeness/web-missing",
        _NO,
        W,
        "Web-based data entities can be had.",
        "The server answered that it has no such thing.",
        "Correct the address.",
        f"{SPEC}/data-entities.html#web-based-data-entities",
    ),
    Rule(
        "completeness/web-unclear",
        _MAYBE,
        W,
        "Servers of web-based data entities answer.",
        "No answer came that tells whether it is there.",
        "Check again later.",
    ),
    Rule(
        "completeness/web-untested",
        _NOT_ASKED,
        W,
        "Web-based data entities are looked for when online.",
        "Offline no socket is opened.",
        "Check without --offline.",
    ),
    Rule(
        "completeness/elsewhere",
        _NOT_ASKED,
        N,
        "Entities under other schemes than http are not looked for.",
        "The @id names something by a scheme that we do not open.",
    ),
    Rule(
        "completeness/location-unreachable",
        _MAYBE,
        E,
        "The location can be reached.",
        "The crate exists as far as we know, and did not come now: the network, a"
        " server or --offline stood in the way. Nothing was judged.",
        "Check again later, or fetch it first and check the copy.",
    ),
    Rule(
        "completeness/archive-broken",
        _NO,
        E,
        "The archive can be read to its end.",
        "It is cut short, damaged, or not an archive.",
        "Fetch or make it again.",
    ),
    Rule(
        "completeness/archive-member",
        _NO,
        E,
        "Every member of the archive can be read as it claims to be.",
        "It is encrypted, packed by a method we do not know, or overlaps another.",
        "Make the archive again with an ordinary tool.",
    ),
    Rule(
        "completeness/archive-duplicate-member",
        _NO,
        E,
        "No name is in the archive twice.",
        "Readers differ on which of the two counts, so that a file can be shown to one"
        " and hidden from another. The first is read here.",
        "Make the archive again.",
    ),
    Rule(
        "completeness/bag-file-present",
        _YES,
        E,
        "The file that a manifest of the bag lists is there.",
        "",
        "",
        f"{BAGIT}#section-3",
    ),
    Rule(
        "completeness/bag-file-missing",
        _NO,
        E,
        "Every file that a manifest of the bag lists is there.",
        "The bag is not complete.",
        "Restore the file.",
        f"{BAGIT}#section-3",
    ),
    Rule(
        "completeness/bag-file-unfetched",
        _NOT_ASKED,
        E,
        "Files that fetch.txt lists have been fetched.",
        "The bag says where the file can be had; nothing is fetched during a check.",
        "Fetch the files that fetch.txt lists.",
        f"{BAGIT}#section-2.2.3",
    ),
    Rule(
        "completeness/bag-file-unlisted",
        _NO,
        E,
        "Every payload file is in every payload manifest.",
        "A file lies in the bag's data folder that a manifest does not list.",
        "Remove it, or make the manifests again.",
        f"{BAGIT}#section-3",
    ),
    Rule(
        "completeness/bag-manifest-unlisted",
        _NO,
        E,
        "A tag manifest lists every payload manifest.",
        "",
        "Make the tag manifests again.",
        f"{BAGIT}#section-2.2.1",
    ),
    Rule(
        "completeness/bag-oxum-match",
        _YES,
        E,
        "The payload has the size and count that Payload-Oxum states.",
        "",
        "",
        f"{BAGIT}#section-2.2.2",
    ),
    Rule(
        "completeness/bag-oxum-mismatch",
        _NO,
        E,
        "The payload has no other size or count than Payload-Oxum states.",
        "Something was added, removed or cut short.",
        "Find what changed, or correct bag-info.txt.",
        f"{BAGIT}#section-2.2.2",
    ),
    Rule(
        "completeness/bag-declaration-invalid",
        _NO,
        E,
        "The bag has what a bag must have: bagit.txt as the RFC asks, and data/.",
        "",
        "Make the bag again with a BagIt tool.",
        f"{BAGIT}#section-2.1",
    ),
    Rule(
        "completeness/bag-manifest-missing",
        _NO,
        E,
        "The bag has a manifest of its payload.",
        "",
        "Make the bag again with a BagIt tool.",
        f"{BAGIT}#section-2.1.3",
    ),
    Rule(
        "completeness/bag-tag-file-invalid",
        _NO,
        E,
        "The tag files of the bag read as the RFC describes them.",
        "",
        "Make the bag again with a BagIt tool.",
        f"{BAGIT}#section-2",
    ),
    Rule(
        "completeness/bag-path-twice",
        _NO,
        E,
        "No manifest lists a file twice.",
        "",
        "Make the manifests again.",
        f"{BAGIT}#section-3",
    ),
    Rule(
        "completeness/bag-legacy-syntax",
        _NO,
        W,
        "The tag files of the bag are written as the RFC describes them.",
        "Older tools wrote ` *path`, `./path`, `BagIt-version` or a line twice. It can"
        " be read, though not by every reader.",
        "Make the bag again with a current tool.",
        f"{BAGIT}#section-2.1.3",
    ),
    Rule(
        "completeness/name-twins",
        _NO,
        N,
        "No two names differ only by case or Unicode normal form.",
        "On some machines the two are one file, and one of them is lost when the crate"
        " is unpacked there. They are kept apart here.",
        "Rename one of them.",
        f"{SPEC}/data-entities.html",
    ),
    Rule(
        "completeness/bag-name-twins",
        _NO,
        W,
        "No two names in a bag differ only by case or Unicode normal form.",
        "On some machines the two are one file. They are kept apart here.",
        "Rename one of them and make the manifests again.",
        f"{BAGIT}#section-5.2",
    ),
    Rule(
        "completeness/bag-system-file",
        _NO,
        W,
        "A bag holds no files that an operating system left behind.",
        "Such a file changes or vanishes without anybody asking it to.",
        "Remove it and make the manifests again.",
        f"{BAGIT}#section-5",
    ),
    Rule(
        "completeness/ocfl-content-present",
        _YES,
        E,
        "The content file that the inventory of the OCFL object lists is there.",
        "Content of older versions counts too: the object keeps them all.",
        "",
        f"{OCFL}#manifest",
    ),
    Rule(
        "completeness/ocfl-content-missing",
        _NO,
        E,
        "Every content file that the inventory of the OCFL object lists is there.",
        "A version of the object, perhaps an older one, cannot be had any more.",
        "Restore the file from a copy of the object.",
        f"{OCFL}#manifest",
    ),
    Rule(
        "completeness/ocfl-file-unlisted",
        _NO,
        E,
        "Every file in the content of a version is in the manifest of the inventory.",
        "It is no part of any version, and no digest covers it.",
        "Remove it, or make a version that has it.",
        f"{OCFL}#content-directory",
    ),
    Rule(
        "completeness/ocfl-layout-invalid",
        _NO,
        E,
        "An OCFL object holds what the specification has a place for, and no more.",
        "Its root has a declaration, an inventory with its sidecar, a folder for each"
        " version, and perhaps `logs` and `extensions`. A version has an inventory with"
        " its sidecar and a folder of content, in which no folder is empty.",
        "Remove what does not belong there, or restore what is missing.",
        f"{OCFL}#object-structure",
    ),
    Rule(
        "completeness/ocfl-declaration-invalid",
        _NO,
        E,
        "An OCFL object declares the version of OCFL that its inventory follows.",
        "A file named `0=ocfl_object_1.1` holds `ocfl_object_1.1` and a line feed. OCFL"
        " 1.0 and 1.1 are known.",
        "Write the one declaration that fits the type of the inventory.",
        f"{OCFL}#object-conformance-declaration",
    ),
    Rule(
        "completeness/ocfl-inventory-invalid",
        _NO,
        E,
        "The inventory of an OCFL object reads as the specification describes it.",
        "Without a head, its state and a manifest nothing else can be told of the"
        " object.",
        "Restore inventory.json from the folder of the newest version, or make the"
        " object again with an OCFL tool.",
        f"{OCFL}#inventory",
    ),
    Rule(
        "completeness/ocfl-sidecar-invalid",
        _NO,
        E,
        "Each inventory of an OCFL object has a file with its digest beside it.",
        "The file is named after the algorithm, `inventory.json.sha512`, and holds the"
        " digest and `inventory.json`.",
        "Make the file again, once it is sure that the inventory is right.",
        f"{OCFL}#inventory-digest",
    ),
    Rule(
        "completeness/ocfl-path-conflict",
        _NO,
        E,
        "No path in an inventory is listed twice, or lies below that of a file.",
        "Readers differ on which of the two counts.",
        "Make the object again with an OCFL tool.",
        f"{OCFL}#version",
    ),
    Rule(
        "completeness/ocfl-version-agrees",
        _YES,
        E,
        "The inventory of a version says of it what that of the object says.",
        "",
        "",
        f"{OCFL}#version-inventory",
    ),
    Rule(
        "completeness/ocfl-version-differs",
        _NO,
        E,
        "No inventory of a version says otherwise than that of the object.",
        "That of the newest version is the same file; older ones give their versions"
        " the same files. One of the two was changed later.",
        "Find out which of the two is right, and restore the other.",
        f"{OCFL}#version-inventory",
    ),
    Rule(
        "completeness/ocfl-advice",
        _NO,
        W,
        "An OCFL object is made as the specification recommends.",
        "It can be read all the same.",
        "Follow the advice when the next version or object is made.",
        f"{OCFL}#object-spec",
    ),
    # -- fixity --------------------------------------------------------------------
    Rule(
        "fixity/digest-match",
        _YES,
        E,
        "The file has the digest that is stated.",
        "All its bytes were read and digested again.",
        "",
        f"{SPEC}/data-entities.html",
    ),
    Rule(
        "fixity/digest-mismatch",
        _NO,
        E,
        "No file has another digest than the one that is stated.",
        "All its bytes were read, and they are not the ones that were described.",
        "Restore the file, or, if it was meant to change, state its new digest.",
        f"{SPEC}/data-entities.html",
    ),
    Rule(
        "fixity/digest-malformed",
        _NO,
        E,
        "A stated digest has the form of its algorithm.",
        "It is not hexadecimal, or has the length of another algorithm. Whether the"
        " file changed cannot be told from it.",
        "State the digest anew, in hexadecimal digits, under the right key.",
    ),
    Rule(
        "fixity/file-absent",
        _MAYBE,
        E,
        "A digest or size is stated for a file that is there.",
        "The file is missing, said under completeness; nothing could be told.",
        "Add the file.",
    ),
    Rule(
        "fixity/file-unread",
        _MAYBE,
        E,
        "A file with a stated digest or size can be read.",
        "Reading it failed, it changed while it was read, or a budget was spent.",
        "Check again; give more with --max-bytes or --max-time.",
    ),
    Rule(
        "fixity/document-only",
        _NOT_ASKED,
        E,
        "The payload of the crate is at hand.",
        "Only the metadata document was given.",
        "Check the whole crate.",
    ),
    Rule(
        "fixity/remote",
        _NOT_ASKED,
        N,
        "Digests and sizes of what is not in the crate are not tested.",
        "The entity lies on the web, in a registry of container images, or is named by"
        " a scheme that we do not open.",
    ),
    Rule(
        "fixity/algorithm-unknown",
        _MAYBE,
        W,
        "A stated digest is of an algorithm that we can compute.",
        "It was not tested, and says nothing to most readers.",
        "State a sha256 or sha512 beside it.",
    ),
    Rule(
        "fixity/bag-algorithm-unknown",
        _MAYBE,
        W,
        "A manifest of the bag is of an algorithm that we can compute.",
        "",
        "Add a manifest for sha256 or sha512.",
        f"{BAGIT}#section-2.4",
    ),
    Rule(
        "fixity/lfs-pointer",
        _MAYBE,
        E,
        "A file with a stated digest is the file, not a Git LFS pointer to it.",
        "The digest is that of the content that the pointer names. The content itself"
        " is not in the crate.",
        "Run `git lfs pull` and make the crate again.",
    ),
    Rule(
        "fixity/digest-of-folder",
        _MAYBE,
        N,
        "Digests are stated for files.",
        "There is no agreed way to digest a folder.",
        "State the digests of the files in it.",
    ),
    Rule(
        "fixity/size-match",
        _YES,
        E,
        "The file has the size that is stated.",
        "",
        "",
        f"{SPEC}/data-entities.html",
    ),
    Rule(
        "fixity/size-mismatch",
        _NO,
        E,
        "No file has another size than the one that is stated.",
        "contentSize is a number of bytes, and the file has another.",
        "Correct contentSize, or restore the file.",
        f"{SPEC}/data-entities.html",
    ),
    Rule(
        "fixity/size-malformed",
        _NO,
        W,
        "contentSize is a number of bytes.",
        "Other units are rounded, and cannot be tested.",
        "Write the number of bytes in digits.",
        f"{SPEC}/data-entities.html",
    ),
    Rule(
        "fixity/covered",
        _YES,
        N,
        "Every local file is covered by a digest.",
        "Each file but the metadata document and its preview has a digest in the"
        " metadata, in a manifest of the bag or in the inventory of the OCFL object.",
    ),
    Rule(
        "fixity/uncovered",
        _NO,
        N,
        "Every local file is covered by a digest.",
        "Changes to a file without a digest cannot be noticed. The level `intact` asks"
        " for one on every file.",
        "State a sha256 for each file, or put the crate into a bag.",
    ),
    # -- source --------------------------------------------------------------------
    Rule(
        "source/not-tested",
        _NOT_ASKED,
        E,
        "The named code can be looked at.",
        "The crate says where its code comes from. Testing that takes the repository.",
        "Check it online, or give a clone with --source.",
    ),
    Rule(
        "source/unclear",
        _MAYBE,
        E,
        "The named code can be looked at.",
        "It was looked for, and could not be told: a place did not answer, was not"
        " asked, lacks objects, or refused. The finding says what each place said.",
        "Give a whole and recent clone with --source, or try again later.",
    ),
    Rule(
        "source/commit-found",
        _YES,
        E,
        "The named commit exists.",
        "The commit was found, and its bytes have its id; so have all its trees. Who"
        " wrote it, and when, is the commit's own word.",
    ),
    Rule(
        "source/commit-missing",
        _NO,
        E,
        "The named commit exists.",
        "Every place that was asked has no such commit: it never was there, or its"
        " history was rewritten and it was thrown away. `observed` is `absent`.",
        "Name the commit that holds the code; if it is lost, see whether the archive"
        " keeps it.",
    ),
    Rule(
        "source/tree-match",
        _YES,
        E,
        "The tree of the commit is the one that is claimed.",
        "The id of a tree is a digest of all names, modes and contents below it.",
    ),
    Rule(
        "source/tree-mismatch",
        _NO,
        E,
        "The tree of the commit is the one that is claimed.",
        "The crate names a tree that is not that of the commit, or not what the commit"
        " has at the path, or the id is that of something else. Commit and tree cannot"
        " both be right.",
        "Write the tree of the commit: `git rev-parse COMMIT^{tree}`.",
    ),
    Rule(
        "source/tree-found",
        _YES,
        E,
        "The named tree exists.",
        "The crate names a tree and no commit that it is of. The tree was found, and it"
        " and all trees below it have their ids.",
    ),
    Rule(
        "source/tag-found",
        _YES,
        E,
        "The named tag exists.",
        "The crate names an annotated tag and no commit. The tag was found, and its"
        " bytes have its id; the finding says what it points to.",
    ),
    Rule(
        "source/tag-match",
        _YES,
        E,
        "The named tag points to the named commit.",
        "The annotated tag was read, and its bytes have its id.",
    ),
    Rule(
        "source/tag-mismatch",
        _NO,
        E,
        "The named tag points to the named commit.",
        "The tag points elsewhere, or the id is that of something else. A lightweight"
        " tag is no object: the commit is what it names, and its SWHID is a rev.",
        "Write the tag that points to the commit, or the commit alone.",
    ),
    Rule(
        "source/blob-match",
        _YES,
        E,
        "A file has the content id that the crate gives it.",
        "The file's bytes, hashed as git does, have the id of its SWHID.",
    ),
    Rule(
        "source/blob-mismatch",
        _NO,
        E,
        "A file has the content id that the crate gives it.",
        "The file is not the one that its SWHID names. Whether the file or the"
        " identifier was changed cannot be told from this alone.",
        "Put the right file back, or write the SWHID of this one: `reverify swhid`.",
    ),
    Rule(
        "source/folder-match",
        _YES,
        E,
        "A folder has the id that the crate gives it.",
        "All that is in the folder, hashed as git does, has the id of its SWHID. The"
        " finding says if empty folders had to count, or executable files as others.",
    ),
    Rule(
        "source/folder-mismatch",
        _NO,
        E,
        "A folder has the id that the crate gives it.",
        "The folder is not the one that its SWHID names: a file in it was changed,"
        " added or left out, or the identifier is that of something else.",
        "Put the right folder back, or write the SWHID of this one: `reverify swhid`.",
    ),
    Rule(
        "source/file-match",
        _YES,
        E,
        "An included source file is the one of the commit.",
        "The file's bytes have the id that the commit's tree has. The finding says at"
        " which path, where that is not the one in the crate.",
    ),
    Rule(
        "source/file-mismatch",
        _NO,
        E,
        "An included source file is the one of the commit.",
        "At that path the commit has other contents, or nothing. The path is the one"
        " that the crate says outright, or the file's own.",
        "Include the file as the commit has it, or name the commit that has this one.",
    ),
    Rule(
        "source/file-not-in-commit",
        _NO,
        N,
        "An included source file is the one of the commit.",
        "The file is nowhere in the commit, neither by its path nor by its contents."
        " Files that a build made are so, and hand-written ones too. Its origin is not"
        " accounted for, and so the level `sourced` is not reached.",
        "Commit it, or describe it as something else than code of that commit.",
    ),
    Rule(
        "source/file-unclear",
        _MAYBE,
        E,
        "An included source file is the one of the commit.",
        "It could not be compared: it lies in a submodule, which is another repository,"
        " or the commit's contents are missing where they would have to be read.",
        "Name the submodule's own commit for it, or give a whole clone with --source.",
    ),
    Rule(
        "source/incomplete",
        _MAYBE,
        W,
        "The contents of the commit are to be had.",
        "The place has the commit and its trees, and lacks contents of files. Ids could"
        " be compared all the same.",
        "Mend the mirror or clone with `git fetch`; see `git fsck`.",
    ),
    Rule(
        "source/reached",
        _YES,
        W,
        "A branch or tag of the repository holds on to the commit.",
        "It was so at the time of the evidence; branches move.",
    ),
    Rule(
        "source/not-reached",
        _NO,
        W,
        "A branch or tag of the repository holds on to the commit.",
        "The commit can be had by its id alone, or not any more. What no branch or tag"
        " holds on to is thrown away sooner or later; on some hosts it may never have"
        " been in this repository, but in a fork of it. `observed` is `hash`, `gone` or"
        " `no-repository`; after the last two stands whether it is `archived`, `found"
        " elsewhere` or `lost`.",
        "Put a tag on the commit, or have the repository saved by Software Heritage.",
    ),
    Rule(
        "source/reach-unclear",
        _MAYBE,
        N,
        "A branch or tag of the repository holds on to the commit.",
        "The repository did not answer, or what it answered does not tell. The commit"
        " itself may have been found elsewhere all the same.",
        "Try again later, or name a mirror of the repository.",
    ),
    Rule(
        "source/agreement",
        _YES,
        N,
        "What is said twice of the same code is the same.",
        "Commits, trees or repositories that one entity names in several places agree."
        " That is no evidence yet that they are true.",
    ),
    Rule(
        "source/contradiction",
        _NO,
        E,
        "What is said twice of the same code is the same.",
        "One entity names two commits, trees or repositories, in a version, a link, a"
        " SWHID or its qualifiers. At least one is wrong. Addresses are compared"
        " without scheme, `.git` and slash at the end. A repository with several"
        " addresses may list them all in `codeRepository`.",
        "Correct the one that is wrong; describe other code by an entity of its own.",
    ),
    Rule(
        "source/not-pinned",
        Outcome.NOT_APPLICABLE,
        N,
        "Code is named by what does not move.",
        "Branches and tags move, and the first digits of a commit may fit several. So"
        " nothing is named that could be tested.",
        "Write the whole commit id as `version` beside `codeRepository`, or a SWHID as"
        " `identifier`.",
    ),
    Rule(
        "source/malformed",
        _NO,
        W,
        "What leads to code can be read.",
        "The text means to name a repository or commit, and names none. What was meant"
        " is said where that can be known, and is used for nothing.",
        "Write it anew.",
    ),
    Rule(
        "source/odd-spelling",
        _NO,
        N,
        "Commit ids are written in lower case.",
        "Git reads capitals too; other programs compare the text.",
        "Write it in lower case.",
    ),
    Rule(
        "source/unread",
        _MAYBE,
        N,
        "Files about code can be read.",
        "CITATION.cff or codemeta.json is there and could not be read, so what it says"
        " of code was not tested.",
        "Mend the file, or take it out.",
    ),
    # -- archival ------------------------------------------------------------------
    Rule(
        "archival/not-tested",
        _NOT_ASKED,
        E,
        "The archive can be asked.",
        "The crate names an object of the Software Heritage archive. Testing that takes"
        " the archive's answer.",
        "",
    ),
    Rule(
        "archival/swhid-invalid",
        _NO,
        E,
        "A SWHID has the form swh:1:TYPE:HEX, TYPE one of cnt, dir, rev, rel, snp.",
        "The identifier has another version, type or length. It names nothing. What was"
        " meant is said where letters, blanks or words alone are wrong, and is not"
        " guessed otherwise: the digits do not say what kind of object they belong to.",
        "Write the right type: rev for a git commit, dir for a tree, cnt for a file.",
        "https://www.swhid.org/specification/v1.2/5.Core_identifiers/",
    ),
    Rule(
        "archival/qualifier-ignored",
        _NO,
        W,
        "All that follows the core of a SWHID are qualifiers that count.",
        "Readers ignore qualifiers that are unknown, malformed, repeated, or that lack"
        " the one they need: `visit` counts only beside `origin`, `anchor` only beside"
        " `path`, `lines` and `bytes` only for contents. The core still names its"
        " object. `observed` is the identifier as it is read.",
        "Write the identifier as it is read, or mend the qualifier.",
        "https://www.swhid.org/specification/v1.2/6.Qualified_identifiers/",
    ),
    Rule(
        "archival/held",
        _YES,
        E,
        "The archive holds the object.",
        "The archive says that it knows an object of this id and type. That does not"
        " say whose it is, that all beneath it is held, nor that it can be had.",
    ),
    Rule(
        "archival/not-held",
        _NO,
        E,
        "What is said to be in the archive is there.",
        "`archivedAt`, an address of the archive or a visit say that the object is in"
        " the archive, which does not hold it now. The identifier may be right all the"
        " same, and the code elsewhere.",
        "Have the repository saved at https://archive.softwareheritage.org/save/, or"
        " correct the identifier.",
    ),
    Rule(
        "archival/identifier-not-held",
        _NO,
        W,
        "The archive holds the object.",
        "A SWHID can be computed of anything; this one names an object that the archive"
        " does not hold now. A recent commit may not have been visited yet. The level"
        " `archived` is not reached.",
        "Have the repository saved at https://archive.softwareheritage.org/save/.",
    ),
    Rule(
        "archival/not-expressible",
        Outcome.NOT_APPLICABLE,
        N,
        "The commit has a SWHID.",
        "Version 1 of SWHIDs knows SHA-1 alone. Commits of SHA-256 repositories cannot"
        " be asked for, which says nothing of whether their code is archived.",
    ),
    Rule(
        "archival/unclear",
        _MAYBE,
        E,
        "The archive can be asked.",
        "It was asked and gave no answer that tells: too many requests, a failure, a"
        " page of a proxy, a refusal. Nothing follows for the object.",
        "Try again later; a token allows ten times as many requests.",
    ),
    Rule(
        "archival/withheld",
        _MAYBE,
        E,
        "The archive shows the object.",
        "The archive has it and does not show it: a takedown, decided or pending.",
        "Ask the archive, or keep the code elsewhere.",
    ),
    Rule(
        "archival/contradictory",
        _MAYBE,
        E,
        "The archive's answers agree.",
        "The archive says one thing in one place and another elsewhere, so that none of"
        " it is believed.",
        "Try again later, and tell the archive.",
    ),
    Rule(
        "archival/moot",
        Outcome.NOT_APPLICABLE,
        E,
        "The archive holds the object.",
        "Where an object was seen cannot be asked of one that is not held.",
    ),
    Rule(
        "archival/origin-known",
        _YES,
        E,
        "The archive knows the origin at which the object was seen.",
        "An origin is a repository that the archive has visited or tried to.",
    ),
    Rule(
        "archival/origin-unknown",
        _NO,
        E,
        "The archive knows the origin at which the object was seen.",
        "Addresses match letter by letter there; with and without `.git` was tried.",
        "Write the origin as the archive has it, or have it saved.",
    ),
    Rule(
        "archival/visit-seen",
        _YES,
        E,
        "A visit to the origin saw the snapshot.",
        "The origin had these branches on that day. Whether a commit is among their"
        " older ones does not show.",
    ),
    Rule(
        "archival/visit-unknown",
        _NO,
        E,
        "A visit to the origin saw the snapshot.",
        "None of the archive's visits to that origin saw that snapshot.",
        "Write the snapshot of a visit to this origin, or the origin of this snapshot.",
    ),
    Rule(
        "archival/proposal-only",
        _NO,
        W,
        "A branch or tag of the origin led to the commit.",
        "Only a pull or merge request pointed to it. Anybody can put a commit there, so"
        " it need not be of this project.",
        "Name a commit that is on a branch or tag.",
    ),
    Rule(
        "archival/path-match",
        _YES,
        E,
        "The path leads from the anchor to the object.",
        "Directories are hashed from their entries, where their names allow it.",
    ),
    Rule(
        "archival/path-mismatch",
        _NO,
        E,
        "The path leads from the anchor to the object.",
        "Something else is at that path, or nothing. `observed` says what.",
        "Correct anchor or path; `reverify swhid` prints qualified identifiers.",
    ),
    Rule(
        "archival/anchor-not-held",
        _NO,
        E,
        "The archive holds the anchor that a path starts from.",
        "The object is held, and the anchor is not: the path cannot be followed.",
        "Correct the anchor.",
    ),
    Rule(
        "archival/tree-match",
        _YES,
        E,
        "The directory of the revision is the one that is claimed.",
        "One entity names a revision and a directory, and they belong together.",
    ),
    Rule(
        "archival/tree-mismatch",
        _NO,
        E,
        "The directory of the revision is the one that is claimed.",
        "One entity names a revision and a directory that is not the revision's. The"
        " revision's own bytes were hashed and say so too, if the archive gave them.",
        "Correct the one that is wrong.",
    ),
    Rule(
        "completeness/crate-gone",
        _NO,
        E,
        "A crate that an audit saw is there in the next one.",
        "An earlier audit of this collection checked a crate at this place, and now"
        " there is none.",
        "Restore it; or audit the collection under its new folders.",
    ),
    Rule(
        "completeness/check-failed",
        _MAYBE,
        E,
        "A crate can be checked.",
        "The check of this crate ended in an error of reverify. The other crates of the"
        " audit were checked all the same.",
        "Check it by itself with `reverify check -v`, and report what that shows.",
    ),
    Rule(
        "fixity/capsule-damaged",
        _NO,
        E,
        "What the registry keeps of a capsule is what was registered.",
        "A file of the capsule is missing, or has another digest than when it was"
        " registered, so that no crate can be made of it any more.",
        "Restore the file, or the database, from a copy; `reverify capsule verify-db`"
        " reads all that is kept.",
    ),
    # -- execution -----------------------------------------------------------------
    Rule(
        "execution/not-tested",
        _NOT_ASKED,
        E,
        "The recorded run can be run again.",
        "A check runs nothing. The finding says what the run recorded.",
        "",
    ),
    Rule(
        "execution/not-re-runnable",
        _NOT_ASKED,
        N,
        "The recorded run says enough to be run again.",
        "The record lacks something that running it again would take. The finding says"
        " what.",
        "Record what is missing.",
    ),
    Rule(
        "execution/run-succeeded",
        _YES,
        E,
        "The recorded run, run again, comes to its end.",
        "It was run again, confined, and ended with exit status 0. Whether it gave what"
        " it gave is told result by result.",
    ),
    Rule(
        "execution/run-failed",
        _NO,
        E,
        "The recorded run, run again, comes to its end.",
        "It was run again and ended with another exit status, or was ended by a signal,"
        " though what it ran in is what is recorded as far as that can be told. The"
        " finding quotes the last that it said.",
        "Read what it said; --keep leaves all of it in a folder.",
    ),
    Rule(
        "execution/run-failed-again",
        _MAYBE,
        E,
        "The recorded run, run again, ends as it did.",
        "It is recorded as failed, and failed again. Whether that is the same failure"
        " cannot be told, and what a failed run leaves is not compared.",
        "Read what it said; --keep leaves all of it in a folder.",
    ),
    Rule(
        "execution/run-failed-elsewhere",
        _MAYBE,
        E,
        "The recorded run, run again, comes to its end.",
        "It was run again and failed, in surroundings that are not the recorded ones:"
        " a package or program is missing, say, or code of the commit that it names."
        " That says nothing against the record.",
        "Run it in what is recorded, --env venv say, or install what is missing.",
    ),
    Rule(
        "execution/run-stopped",
        _MAYBE,
        E,
        "The recorded run, run again, comes to its end.",
        "It took more than it was allowed to: time, memory, disk or processes. It was"
        " stopped, and cannot be told.",
        "Allow it more with --limit, time=2h say.",
    ),
    Rule(
        "execution/cannot-run",
        _MAYBE,
        E,
        "The recorded run can be run again.",
        "It was to be run again, and something stood in the way: something that is not"
        " recorded, an input that is not what it was, a program or a sandbox that this"
        " machine does not have.",
        "Do away with what stood in the way.",
    ),
    Rule(
        "execution/step-of-run",
        Outcome.NOT_APPLICABLE,
        E,
        "The recorded run can be run again.",
        "It is a step of the run of a workflow. The workflow is run again as a whole.",
    ),
    Rule(
        "execution/not-chosen",
        _NOT_ASKED,
        E,
        "The recorded run, run again, comes to its end.",
        "Another action was chosen to be run again.",
        "Leave out --action, or choose this one.",
    ),
    Rule(
        "execution/result-identical",
        _YES,
        E,
        "The recorded run, run again, gives the recorded result.",
        "The new file is byte for byte the recorded one.",
    ),
    Rule(
        "execution/result-equal",
        _YES,
        E,
        "The recorded run, run again, gives the recorded result.",
        "The new file is not byte for byte the recorded one, and equal to it by what"
        " the crate, or the command line, allows. The finding says what that is.",
    ),
    Rule(
        "execution/result-differs",
        _NO,
        E,
        "The recorded run, run again, gives the recorded result.",
        "The new file differs from the recorded one by more than is allowed. The"
        " finding says where first, how much and how often.",
        "Find what makes it differ. If that is known and harmless, declare how the"
        " result is to be compared.",
    ),
    Rule(
        "execution/result-varies",
        _NO,
        E,
        "The recorded run, run again, gives the recorded result.",
        "The new file differs from the recorded one, and also from that of another run"
        " of ours: the analysis gives another result each time.",
        "Fix the seed, the order or the time that it depends on; or declare how the"
        " result is to be compared.",
    ),
    Rule(
        "execution/result-missing",
        _NO,
        E,
        "The recorded run, run again, gives the recorded result.",
        "The run came to its end and did not write the file.",
        "Take it out of the results, or record the command that writes it.",
    ),
    Rule(
        "execution/result-not-comparable",
        _MAYBE,
        E,
        "The recorded run, run again, gives the recorded result.",
        "The two could not be compared: the recorded one is not in the crate, or not as"
        " it was, one of them cannot be read, or the run was given it beforehand.",
        "Put the file into the crate that the run gave, under a name of its own.",
    ),
    Rule(
        "execution/nothing-to-compare",
        _MAYBE,
        E,
        "The recorded run, run again, gives the recorded result.",
        "The run came to its end, and its record names no file that it gave, so that"
        " there is nothing to compare with.",
        "List what the run wrote as its `result`, and put it into the crate.",
    ),
    Rule(
        "execution/result-ignored",
        Outcome.NOT_APPLICABLE,
        N,
        "The recorded run, run again, gives the recorded result.",
        "The crate says that this result need not be the same.",
    ),
    Rule(
        "execution/result-extra",
        _NO,
        N,
        "The recorded run, run again, writes nothing but its results.",
        "It wrote, or changed, a file that is not among the recorded results.",
        "List it as a result, if it is one.",
    ),
    Rule(
        "execution/surroundings-differ",
        _NO,
        N,
        "The run was run again in what it ran in.",
        "Interpreter, packages, platform, locale or time zone are not those recorded."
        " That refutes nothing, and may explain why a result differs.",
        "Run it in what is recorded: --env venv, or --env container.",
    ),
    # -- what a policy file asks ---------------------------------------------------
    Rule(
        "fixity/digest-weak",
        _NO,
        E,
        "Each file with a digest has one that is strong enough for the policy.",
        "The policy names the weakest algorithm that will do, and the file is covered"
        " by weaker ones alone. They may hold; others can be made that hold as well.",
        "State a digest of the file by the algorithm that the policy names, or by a"
        " stronger one.",
    ),
    Rule(
        "archival/answer-too-old",
        _MAYBE,
        E,
        "What is known of the archive is recent enough for the policy.",
        "We are offline, and no answer is kept that is as young as the policy wants"
        " it.",
        "Check again where the archive can be asked, or allow older answers.",
    ),
    *(
        Rule(
            f"{kind}/exception-expired",
            _NO,
            W,
            "Each exception that the policy makes is still in force.",
            f"The policy tolerates a rule of {kind} until a day that has passed. It"
            " tolerates it no longer: what is found under the rule counts again. This"
            " finding alone refutes nothing, unless the policy is strict.",
            "Mend what the exception was for and take it out of the policy, or decide"
            " anew until when it is tolerated.",
        )
        for kind in ClaimKind
    ),
)

_ORDER = tuple(ClaimKind)
RULES: Mapping[str, Rule] = MappingProxyType(
    {rule.id: rule for rule in sorted(_TABLE, key=lambda rule: _ORDER.index(rule.kind))}
)
"""All rules of our own, by id and in the order of the kinds.

Those of profiles carry the profile's name.
"""
