"""What a file is compared as, where its rule does not say."""

from reverify.model.comparison import Method

_TEXT, _JSON, _TABLE = Method.TEXT, Method.JSON, Method.TABLE
_ARRAY, _IMAGE, _NOTEBOOK = Method.ARRAY, Method.IMAGE, Method.NOTEBOOK
_ARCHIVE = Method.ARCHIVE

SUFFIXES = {
    **dict.fromkeys(".txt .log .md .rst .tex .bib .xml .svg .html .htm".split(), _TEXT),
    **dict.fromkeys(".yaml .yml .toml .ini .cfg .sql .jsonl .ndjson".split(), _TEXT),
    **dict.fromkeys(".py .r .sh .jl .m .c .h .cpp .f90 .js .java".split(), _TEXT),
    **dict.fromkeys(".fasta .fa .fastq .fq .vcf .bed .gff .sam .nwk".split(), _TEXT),
    **dict.fromkeys(".json .jsonld .geojson".split(), _JSON),
    **dict.fromkeys(".csv .tsv .tab .parquet .pq".split(), _TABLE),
    **dict.fromkeys(".npy .npz .h5 .hdf5 .he5 .nc .h5ad".split(), _ARRAY),
    **dict.fromkeys(".png .jpg .jpeg .tif .tiff .gif .bmp .webp".split(), _IMAGE),
    **dict.fromkeys(".pbm .pgm .ppm".split(), _IMAGE),
    ".ipynb": _NOTEBOOK,
    **dict.fromkeys(".zip .tar .tgz .tbz2 .txz .eln .crate".split(), _ARCHIVE),
}
MEDIA_TYPES = {
    "application/json": _JSON,
    "application/x-ipynb+json": _NOTEBOOK,
    "text/csv": _TABLE,
    "text/tab-separated-values": _TABLE,
    "application/vnd.apache.parquet": _TABLE,
    "application/x-hdf5": _ARRAY,
    "application/x-hdf": _ARRAY,
    "application/netcdf": _ARRAY,
    "application/x-netcdf": _ARRAY,
    "image/svg+xml": _TEXT,
    "application/xml": _TEXT,
    "application/zip": _ARCHIVE,
    "application/x-tar": _ARCHIVE,
}
PACKED = {".gz": b"\x1f\x8b", ".bz2": b"BZh", ".xz": b"\xfd7zXZ\0"}
PACKED_MAGIC = tuple(PACKED.values())
ZIP_MAGIC = (b"PK\3\4", b"PK\5\6")
TAR_MAGIC, TAR_AT = b"ustar", 257


def method_for(name: str, media_type: str = "") -> Method:
    """What a file is compared as, by its name and else by its media type.

    Args:
        name: its name or path; `.gz` and the like at its end do not count.
        media_type: as in a crate's `encodingFormat`; parameters do not count.
    """
    name = inner_name(name.lower())
    found = SUFFIXES.get(f".{name.rpartition('.')[2]}") if "." in name else None
    if found is not None:
        return found
    media_type = media_type.partition(";")[0].strip().lower()
    if media_type in MEDIA_TYPES:
        return MEDIA_TYPES[media_type]
    if media_type.endswith("+json"):
        return Method.JSON
    kind = media_type.partition("/")[0]
    return {"text": Method.TEXT, "image": Method.IMAGE}.get(kind, Method.BYTES)


def inner_name(name: str) -> str:
    """The name of what a packed file holds: `a.csv` of `a.csv.gz`."""
    for suffix in PACKED:
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return name


def is_packed(first: bytes) -> bool:
    """Whether these are the first bytes of gzip, bzip2 or xz."""
    return first.startswith(PACKED_MAGIC)


def is_zip(first: bytes) -> bool:
    """Whether these are the first bytes of a zip archive."""
    return first.startswith(ZIP_MAGIC)


def is_tar(first: bytes) -> bool:
    """Whether these are the first bytes of a tar archive that is not packed."""
    return first[TAR_AT : TAR_AT + len(TAR_MAGIC)] == TAR_MAGIC
