"""Small factorizations, and files built field by field without the product's writer."""

from __future__ import annotations

import io
import json
import math
import struct
import zlib
from dataclasses import dataclass, field, replace

import numpy as np
import zstandard
from rans_samples import rans_factor

from lplrcli.container.byte_layout import FIRST_VERSION
from lplrcli.container.reader import open_container
from lplrcli.container.writer import write_container
from lplrcli.container.zstd_frames import metadata_dictionary
from lplrcli.model.compressed import Factorization, QuantizedFactor, basis_stride
from lplrcli.model.kept import KeptEntries
from lplrcli.model.plan import CompressionPlan, Target
from lplrcli.model.report import ErrorReport
from lplrcli.pipeline.decode.entry_types import entry_dtype
from lplrcli.pipeline.decode.reconstruction import Reconstruction

WHOLE_FILE = 0xFFFFFFFF


def pack(codes, bits):
    """One run of coding ``packed``, as SPEC.md words it."""
    run = sum(int(code) << (bits * t) for t, code in enumerate(codes))
    return run.to_bytes(-(-bits * len(codes) // 8), "little")


def factor(length, bits, quantizer="normal", chunk_length=8, grid=None, seed=0):
    if quantizer in ("deadzone", "trellis"):
        return rans_factor(length, len(bits), quantizer, chunk_length, seed=seed)
    rng = np.random.default_rng(seed)
    codes = [rng.integers(0, 2**b, length) for b in bits]
    chunks = [
        b"".join(pack(c[s : s + chunk_length], b) for c, b in zip(codes, bits, strict=True))
        for s in range(0, length, chunk_length)
    ]
    side = (
        struct.pack("<dd", -1.5, 0.25)
        if quantizer == "uniform"
        else struct.pack(f"<{len(bits)}H", *(0x3F80 + i for i in range(len(bits))))
    )
    return QuantizedFactor(
        length=length,
        components=len(bits),
        quantizer=quantizer,
        quantizer_parameters=side,
        coding="packed",
        coding_parameters=bytes(bits),
        transform="identity",
        grid=grid or (length,),
        chunk_length=chunk_length,
        chunks=chunks if bits else [],
    )


def factorization(
    shape=(19, 10),
    bits=(3, 1),
    mode="factors",
    quantizer="normal",
    dtype="float32",
    means=(),
    **plan,
):
    n, d = shape
    factors = "factors" in mode
    residual = None
    if mode != "factors":
        by_column = quantizer in ("deadzone", "trellis")
        residual = factor(n if by_column else n * d, [2] * (d if by_column else 1), quantizer, 64)
    return Factorization(
        shape=shape,
        dtype=dtype,
        left=factor(n, bits, quantizer, seed=1) if factors else None,
        right=factor(d, bits, quantizer, chunk_length=16, seed=2) if factors else None,
        residual=residual,
        plan=CompressionPlan(
            target=Target("packed", len(bits), 2, 2),
            mode=mode,
            basis="sketch",
            sketch="gaussian",
            sketch_size=12,
            power_iterations=2,
            seed=7,
            **plan,
        ),
        report=ErrorReport(0.25, 0.5, True, 12.5, 4, None),
        source={"format": "npy", "name": "a.npy"},
        mean_row=factor(d, bits[:1], quantizer, seed=3) if "row" in means else None,
        mean_column=factor(n, bits[:1], quantizer, seed=4) if "column" in means else None,
    )


def of_bases(grid=(6, 5), components=3, vectors=4, seed=0, transform="dct", quantizer="trellis"):
    """A factor on a grid with random bases."""
    length, stride = math.prod(grid), basis_stride(grid)
    options = {"context": 2, "most": 4, "seed": seed}
    vectors = rans_factor(
        len(grid) * stride, vectors, "trellis", stride, transform=transform, **options
    )
    whole = -(-length // 8) * 8
    made = rans_factor(length, components, quantizer, whole, transform="klt", grid=grid, **options)
    return replace(made, basis=vectors)


def with_basis(**options):
    """A factorization whose left factor has a basis."""
    left = of_bases(**options)
    f = factorization((left.length, 9), (1,) * left.components, "factors", "trellis")
    return replace(f, left=left)


def kept_array(content, layout=0):
    """An array of a ``KEPT`` section, its header before it."""
    frame = zstandard.ZstdCompressor().compress(content)
    return struct.pack("<B7xQ", layout, len(frame)) + frame


def kept(form="dense", shape=(5, 3), chunk_rows=2, dtype="int16", step=None, seed=0):
    """A factorization whose entries are kept: any numbers, or one in every other place."""
    n, d = shape
    rng = np.random.default_rng(seed)
    counts, chunks = [], []
    for start in range(0, n, chunk_rows):
        rows = min(chunk_rows, n - start)
        width = 4 if step else entry_dtype(dtype).itemsize
        count = rows * d if form == "dense" else rows * d // 2
        values = rng.integers(0, 2 if dtype == "bool" else 250, count).astype(f"<u{width}")
        raw = values.tobytes()
        if form == "sparse":
            gaps = np.concatenate([[0], np.ones(max(count - 1, 0))])[:count].astype("<u8")
            counts.append(count)
            chunks.append(kept_array(gaps.tobytes()) + kept_array(raw))
        else:
            chunks.append(kept_array(raw))
    entries = n * d if form == "dense" else sum(counts)
    whole = KeptEntries(form, chunk_rows, entries, tuple(counts), step, chunks)
    made = factorization(shape, (1,))
    plan = replace(made.plan, mode="kept")
    return replace(made, left=None, right=None, dtype=dtype, plan=plan, kept=whole)


def written(*factorizations, **options):
    stream = io.BytesIO()
    write_container(stream, factorizations, **options)
    return stream.getvalue()


def read_all(raw):
    """Read whatever a file holds, every chunk included."""
    container = open_container(io.BytesIO(raw), "sample.lplr")
    found = []
    for i in range(container.count):
        container.metadata(i)
        found.append(container.factorization(i))
        for part in found[-1].parts.values():
            list(part.chunks)
        if found[-1].kept is not None:
            list(Reconstruction(found[-1]).blocks())
    return found


def checksummed(body):
    return body + struct.pack("<I", zlib.crc32(body))


@dataclass
class DraftSection:
    """A section whose every field can be set; None means the right value."""

    tag: bytes
    matrix: int = 0
    ordinal: int = 0
    payload: bytes = b""
    flags: int = 0
    length: int | None = None
    checksum: int | None = None
    header_flip: int = 0
    entry: dict = field(default_factory=dict)
    padding: bytes | None = None
    hole: int = 0

    def header(self):
        length = len(self.payload) if self.length is None else self.length
        crc = zlib.crc32(self.payload) if self.checksum is None else self.checksum
        head = checksummed(
            struct.pack("<4sIIIQI", self.tag, self.flags, self.matrix, self.ordinal, length, crc)
        )
        return head[:-1] + bytes([head[-1] ^ self.header_flip])


class Draft:
    """A file to be spoilt: take one apart, change any field, build it with right checksums."""

    def __init__(self, raw):
        with open_container(io.BytesIO(raw), "draft") as container:
            self.sections = [
                DraftSection(
                    s.tag.encode(), s.matrix, s.ordinal, raw[s.offset : s.offset + s.length]
                )
                for s in container.sections[:-2]
            ]
        self.signature = raw[:8]
        self.major, self.minor = struct.unpack_from("<HH", raw, 8)
        self.flags, self.reserved = 0, bytes(12)
        self.header_flip = 0
        self.index = DraftSection(b"INDX", WHOLE_FILE)
        self.last = DraftSection(b"LEND", WHOLE_FILE)
        self.end = {}
        self.trailing = b""

    def __getitem__(self, tag):
        return next(s for s in self.sections if s.tag == tag.encode())

    def without(self, tag):
        self.sections = [s for s in self.sections if s.tag != tag.encode()]

    def json(self):
        dictionary = None if (self.major, self.minor) == FIRST_VERSION else metadata_dictionary()
        inflater = zstandard.ZstdDecompressor(dict_data=dictionary)
        return json.loads(inflater.decompress(self["META"].payload))

    def edit_json(self, change):
        document = self.json()
        change(document)
        self.set_json(json.dumps(document).encode())

    def as_first_version(self):
        """Make it a file of version 0.1: without the dictionary, which that did not have."""
        document = self.json()
        self.major, self.minor = FIRST_VERSION
        self.set_json(json.dumps(document).encode())

    def edit_table(self, change):
        """Inflate the tables of the left factor, which are of coding ``rans``, and change them."""
        old = self.json()["factors"]["left"]["table_length"]
        payload = self["COMP"].payload
        content = change(zstandard.ZstdDecompressor().decompress(payload[:old]))
        self.set_table(zstandard.ZstdCompressor().compress(content))

    def set_table(self, frame):
        """Put a frame in the place of the left factor's."""
        old = self.json()["factors"]["left"]["table_length"]
        self["COMP"].payload = frame + self["COMP"].payload[old:]
        self.edit_json(lambda d: d["factors"]["left"].update(table_length=len(frame)))

    def set_json(self, text):
        self["META"].payload = zstandard.ZstdCompressor().compress(text)

    def build(self):
        head = struct.pack(
            "<8sHHI12s", self.signature, self.major, self.minor, self.flags, self.reserved
        )
        head = checksummed(head)
        raw = bytearray(head[:-1] + bytes([head[-1] ^ self.header_flip]))
        entries = []
        for section in self.sections:
            self._place(raw, section)
            values = {
                "tag": section.tag,
                "matrix": section.matrix,
                "ordinal": section.ordinal,
                "checksum": zlib.crc32(section.payload),
                "offset": len(raw) - len(section.payload),
                "length": len(section.payload),
            } | section.entry
            entries.append(struct.pack("<4sIIIQQ", *values.values()))
        index = replace(self.index, payload=b"".join(entries))
        self._place(raw, index)
        values = {
            "index offset": len(raw) - len(index.payload) - 32,
            "section count": len(entries),
        }
        body = checksummed(struct.pack("<QI", *(values | self.end).values()))
        self._place(raw, replace(self.last, payload=self.last.payload or body))
        return bytes(raw + self.trailing)

    @staticmethod
    def _place(raw, section):
        gap = -(len(raw) + 32) % 64
        raw += bytes(gap) if section.padding is None else section.padding.ljust(gap, b"\0")
        raw += bytes(section.hole) + section.header() + section.payload
