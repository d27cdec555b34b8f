"""Fuzz whole files: header, index, metadata, tables, and every chunk of what is small.

Some are verified too, which searches a file for what is left of it where it cannot be opened.

Random bytes hardly ever have a right checksum, so inputs are changed as structures: a section's
payload, a field, a value of the metadata, the order. Checksums, offsets and the index are made
right again, unless it is those that are changed.
"""

from __future__ import annotations

import io
import json
import struct
import zlib
from dataclasses import replace

import zstandard
from lplr_samples import Draft, DraftSection, factorization, kept, kept_array, with_basis, written
from messages import check_refusal
from metadata import change_value
from rans_samples import SLOPE, rans_factor

from lplrcli.cli.inspect import _describe
from lplrcli.container.byte_layout import CHUNK_TAGS, WHOLE_FILE
from lplrcli.container.reader import open_container
from lplrcli.errors import ContainerError, MemoryLimitError
from lplrcli.pipeline.decode.reconstruction import Reconstruction
from lplrcli.pipeline.integrity.verify import verify
from lplrcli.runtime.available_memory import resident_memory
from lplrcli.runtime.workspace import limited_memory

SMALL = 1 << 13
"""Entries of a matrix, and of each of its factors, that are decoded."""

VERIFYING = 96 << 20
"""Bytes that may be allocated on the way: no more than chunks of a few million entries take."""

TAGS = (b"META", b"COMP", *(tag.encode() for tag in CHUNK_TAGS.values()), b"INDX", b"LEND")
TAGS += (b"KEPT", b"xTRA", b"XTRA", b"xtra", b"\x1b[2J")
NUMBERS = (0, 1, 2, 3, 8, 16, 31, 32, 64, 255, 2**16, 2**31, WHOLE_FILE - 1, WHOLE_FILE)
LONG_NUMBERS = (*NUMBERS, 2**32, 2**62, 2**63 - 1, 2**63, 2**64 - 64, 2**64 - 1)
DAMAGE = (ValueError, KeyError, TypeError, IndexError, struct.error, OverflowError)
DAMAGE += (zstandard.ZstdError, AttributeError, RecursionError, StopIteration)


def seeds():
    factors = shortened(factorization((9, 5), (1,) * 4, "factors+residual", "trellis"))
    means = shortened(factorization((9, 5), (2,), quantizer="deadzone", means=("row", "column")))
    direct = factorization((9, 5), mode="direct", quantizer="deadzone", dtype="bfloat16")
    cases = [
        [factorization((19, 10), (3, 1))],
        [factorization((9, 4), (2, 2), "factors+residual", "uniform", exponent=-3)],
        [factorization((9, 4), mode="direct", dtype="uint8")],
        [factorization((3, 2), ())],
        [factors],
        [means],
        [shortened(direct)],
        [with_basis()],
        [kept()],
        [kept("sparse", step=0.5, dtype="float32"), kept("sparse", chunk_rows=5)],
        [factorization((5, 3), (1,)), factorization((2, 2), (4,), dtype="int64")],
    ]
    for matrices in cases:
        yield written(*matrices)
    first = Draft(written(*cases[0]))
    first.as_first_version()
    yield first.build()


def shortened(made):
    """The same with tables of few tokens: most inputs have as many as they need."""
    parts = {
        name: rans_factor(
            *(part.length, part.components, part.quantizer, part.chunk_length),
            weights=(SLOPE[:15],),
        )
        for name, part in made.parts.items()
    }
    return replace(made, **parts)


def mutated(data, most, rng, mutate):
    try:
        draft = Draft(data)
    except (ContainerError, UnicodeDecodeError):
        return mutate(data, most)
    draft.major, draft.minor = struct.unpack_from("<HH", data, 8)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        # What an earlier change has broken cannot be taken apart again.
        try:
            rng.choice(CHANGES)(draft, rng, mutate)
        except DAMAGE:
            break
    return draft.build()


def change_payload(draft, rng, mutate):
    section = rng.choice(draft.sections)
    section.payload = mutate(section.payload or b"\0", len(section.payload) + 16)


def change_chunk(draft, rng, mutate):
    section = rng.choice([s for s in draft.sections if s.tag not in (b"META", b"COMP")])
    section.payload = mutate(section.payload, len(section.payload))


def change_kept(draft, rng, mutate):
    """Change the content of an array of kept entries, or its header."""
    section = rng.choice([s for s in draft.sections if s.tag == b"KEPT"])
    raw, at, arrays = section.payload, 0, []
    while at < len(raw):
        length = int.from_bytes(raw[at + 8 : at + 16], "little")
        frame = raw[at + 16 : at + 16 + length]
        arrays.append((raw[at], zstandard.ZstdDecompressor().decompress(frame, 1 << 20)))
        at += 16 + length
    number = rng.randrange(len(arrays))
    layout, content = arrays[number]
    if rng.random() < 0.5:
        layout = rng.randrange(9)
    else:
        content = mutate(content, len(content) + 8)
    arrays[number] = layout, content
    section.payload = b"".join(kept_array(content, layout) for layout, content in arrays)


def change_json_text(draft, rng, mutate):
    text = json.dumps(draft.json(), separators=(",", ":")).encode()
    draft.set_json(mutate(text, len(text) + 32))


def change_json(draft, rng, mutate):
    draft.edit_json(lambda document: change_value(document, rng))


def change_rows(draft, rng, mutate):
    """Make the matrix longer or shorter in all places that say so."""
    document = draft.json()
    rows, columns = document["matrix"]["shape"]
    more = rng.choice((1, 7, 8, 16, 64, 1000, 2**20, 2**40, 2**58, rows - 1, rows + 1))
    for name, record in document["factors"].items():
        if record["length"] != rows or name.endswith("_basis"):
            continue
        record.update(length=more, grid=[more])
        if rng.random() < 0.7:
            chunks = sum(s.tag.decode() == CHUNK_TAGS[name] for s in draft.sections)
            record["chunk_length"] = (more // max(chunks, 1) // 8 + 1) * 8
    if "kept" in document and rng.random() < 0.7:
        chunks = sum(s.tag == b"KEPT" for s in draft.sections)
        document["kept"]["chunk_rows"] = -(-more // chunks)
        if document["kept"]["form"] == "dense":
            document["kept"]["entries"] = more * columns
    document["matrix"].update(shape=[more, columns], unfold=1)
    document["array"]["shape"] = [more, columns]
    draft.set_json(json.dumps(document).encode())


def change_tables(draft, rng, mutate):
    """Change the tables of one factor, inflated, or the bytes of a frame or of packed tables."""
    document = draft.json()
    names = [name for name in CHUNK_TAGS if name in document["factors"]]
    name = rng.choice(names)
    before = sum(document["factors"][n]["table_length"] for n in names[: names.index(name)])
    record = document["factors"][name]
    end = before + record["table_length"]
    payload = draft["COMP"].payload
    part = payload[before:end]
    if record["coding"] == "rans" and rng.random() < 0.9:
        content = zstandard.ZstdDecompressor().decompress(part, max_output_size=1 << 20)
        part = zstandard.ZstdCompressor(level=1).compress(mutate(content, len(content) + 8))
    else:
        part = mutate(part, len(part) + 8)
    draft["COMP"].payload = payload[:before] + part + payload[end:]
    if rng.random() < 0.9:
        record["table_length"] = len(part)
        draft.set_json(json.dumps(document).encode())


def change_field(draft, rng, mutate):
    """A field of a section header, without the checksum over it being wrong."""
    section = rng.choice([*draft.sections, draft.index, draft.last])
    field = rng.choice(("tag", "matrix", "ordinal", "flags", "length", "checksum"))
    value = rng.choice(LONG_NUMBERS if field == "length" else NUMBERS)
    setattr(section, field, rng.choice(TAGS) if field == "tag" else value)


def change_entry(draft, rng, mutate):
    field = rng.choice(("tag", "matrix", "ordinal", "checksum", "offset", "length"))
    value = rng.choice(LONG_NUMBERS if field in ("offset", "length") else NUMBERS)
    section = rng.choice(draft.sections)
    section.entry[field] = rng.choice(TAGS) if field == "tag" else value


def change_end(draft, rng, mutate):
    field = rng.choice(("index offset", "section count"))
    draft.end[field] = rng.choice(LONG_NUMBERS if field == "index offset" else NUMBERS)


def change_order(draft, rng, mutate):
    section = rng.choice(draft.sections)
    kind = rng.randrange(4)
    if kind == 0:
        draft.sections.remove(section)
    elif kind == 1:
        draft.sections.append(section)
    elif kind == 2:
        draft.sections.insert(0, draft.sections.pop())
    else:
        new = DraftSection(rng.choice(TAGS), section.matrix, 0, b"anything")
        draft.sections.insert(rng.randrange(len(draft.sections) + 1), new)


def change_header(draft, rng, mutate):
    field = rng.choice(("major", "minor", "flags", "reserved", "trailing", "header_flip"))
    raw = bytes([rng.randrange(256)]) * 12
    values = {"reserved": raw, "trailing": raw, "header_flip": rng.randrange(256)}
    setattr(draft, field, values.get(field, rng.randrange(4)))


def change_padding(draft, rng, mutate):
    section = rng.choice([*draft.sections, draft.index, draft.last])
    section.padding, section.hole = rng.choice(((b"\1", 0), (None, 64), (b"", 1)))


CHANGES = (
    *(change_payload, change_json_text, change_field, change_entry, change_end),
    *(change_order, change_header, change_padding),
    *(change_json, change_rows, change_tables, change_chunk, change_kept) * 3,
)


def one_input(data):
    if len(data) % 8 == 0 and zlib.crc32(data) % 4 == 0:
        check_verification(data)
    try:
        with open_container(io.BytesIO(data), "fuzzed.lplr") as container:
            assert sum(container.section_bytes(None).values()) <= len(data)
            for i in range(min(container.count, 4)):
                json.dumps(_describe(container, i), allow_nan=False)
                decode(container.factorization(i))
    except ContainerError as error:
        check_refusal(error)
        assert error.path == "fuzzed.lplr" or "does not decode to its end" in str(error)


def check_verification(data):
    try:
        with limited_memory(resident_memory() + VERIFYING):
            found = verify(io.BytesIO(data), "fuzzed.lplr")
    except MemoryLimitError as error:
        check_refusal(error)
        return
    for error in found.damage:
        check_refusal(error)
    if found.ok:
        open_container(io.BytesIO(data), "fuzzed.lplr").close()


def decode(factorization):
    for part in factorization.parts.values():
        if len(part.chunks) < 64:
            list(part.chunks)
    entries = [part.length * part.components for part in factorization.parts.values()]
    chunks = [min(p.chunk_length, p.length) * p.components for p in factorization.parts.values()]
    rows, columns = factorization.shape
    if max([rows * columns, *entries, *chunks]) > SMALL:
        return
    if factorization.kept is not None and factorization.kept.chunk_rows * columns > SMALL:
        return
    reconstruction = Reconstruction(factorization)
    blocks = list(reconstruction.blocks())
    assert sum(map(len, blocks)) == rows
    assert {block.dtype for block in blocks} == {reconstruction.dtype}
