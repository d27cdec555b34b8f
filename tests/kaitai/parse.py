"""What the Python parser of lplr.ksy finds in a file. parse.mjs does the same in JavaScript."""

from __future__ import annotations

import json

import zstandard
from kaitaistruct import BytesIO, KaitaiStream

from lplrcli.runtime.format_files import read_definition

DICTIONARY = zstandard.ZstdCompressionDict(
    read_definition("metadata.dict"), dict_type=zstandard.DICT_TYPE_RAWCONTENT
)
CHUNK_TAGS = {
    "left_basis": "LBAS",
    "right_basis": "RBAS",
    "left": "LEFT",
    "right": "RGHT",
    "residual": "RESD",
    "mean_row": "MROW",
    "mean_column": "MCOL",
}


def parsed(kind, raw, *parameters):
    return kind(*parameters, KaitaiStream(BytesIO(raw)))


def tag_of(number):
    return int(number).to_bytes(4, "little").decode("ascii")


class FileReport:
    """Reads files with the parser that was compiled into a module."""

    def __init__(self, lplr):
        self.lplr = lplr

    def inflated(self, raw, dictionary=None):
        frame = parsed(self.lplr.BoundedFrame, raw)
        inflater = zstandard.ZstdDecompressor(dict_data=dictionary)
        content = inflater.decompress(frame.frame, allow_extra_data=False)
        assert len(content) == frame.content_size
        return content

    def side(self, quantizer, side):
        if quantizer == "uniform":
            return {"low": side.low, "step": side.step}
        if quantizer == "normal":
            return {"scales": side.scales}
        scales = [[each.eighths, each.exponent] for each in side.scales]
        return {"step": side.step, "shifts": side.shifts, "scales": scales}

    def packed(self, factor, raw, chunks):
        quantizer, length, most = (factor[key] for key in ("quantizer", "length", "chunk_length"))
        found = parsed(self.lplr.PackedTables, raw, quantizer, factor["components"])
        codes = []
        for ordinal, chunk in enumerate(chunks):
            rows = min(most, length - ordinal * most)
            runs = parsed(self.lplr.PackedChunk, chunk, found.bits, rows).runs
            codes.append([[each.code for each in run.codes] for run in runs])
        side = self.side(quantizer, found.side)
        return {"tables": {"bits": found.bits}, "side": side, "chunks": codes}

    def rans(self, factor, raw, chunks):
        quantizer, components = factor["quantizer"], factor["components"]
        found = parsed(self.lplr.RansTables, self.inflated(raw), quantizer, components)
        tables = {
            "machine": found.machine,
            "context": int(found.context),
            "classes": [each.value for each in found.classes],
            "context_map": [each.value for each in found.context_map],
            "frequencies": [[each.frequency for each in t.tokens] for t in found.tables],
            "starts": [[each.start for each in t.tokens] for t in found.tables],
        }
        streams = [parsed(self.lplr.RansChunk, chunk) for chunk in chunks]
        chunks = [{"states": each.states, "words": each.words} for each in streams]
        return {"tables": tables, "side": self.side(quantizer, found.side), "chunks": chunks}

    def kept(self, kept, payloads):
        sparse, chunks = kept["form"] == "sparse", payloads["KEPT"]
        comp = parsed(self.lplr.KeptCounts, payloads["COMP"][0], len(chunks) if sparse else 0)
        found = [parsed(self.lplr.KeptChunk, chunk, kept["form"]).arrays for chunk in chunks]
        arrays = [[[each.layout, len(each.frame)] for each in chunk] for chunk in found]
        return {"counts": comp.counts, "arrays": arrays}

    def matrix(self, sections, dictionary):
        payloads = {}
        for section in sections:
            payloads.setdefault(tag_of(section.tag), []).append(section.payload)
        metadata = self.inflated(payloads["META"][0].frame, dictionary).decode()
        kept = json.loads(metadata).get("kept")
        if kept is not None:
            return {"metadata": metadata, "factors": {}, "kept": self.kept(kept, payloads)}
        described = json.loads(metadata)["factors"]
        names = [name for name in CHUNK_TAGS if name in described]
        lengths = [described[name]["table_length"] for name in names]
        tables = parsed(self.lplr.ComponentTables, payloads["COMP"][0], lengths)
        factors = {}
        for name, raw in zip(names, tables.factors, strict=True):
            read = {"packed": self.packed, "rans": self.rans}[described[name]["coding"]]
            factors[name] = read(described[name], raw, payloads.get(CHUNK_TAGS[name], []))
        return {"metadata": metadata, "factors": factors}

    def of(self, raw):
        """Everything in a file of these bytes, as parse.mjs prints it."""
        lplr = parsed(self.lplr, raw)
        sections, end = [], 32
        for each in lplr.sections:
            offset = end + len(each.padding.bytes) + 32
            end = offset + each.length
            place = each.matrix, each.ordinal, offset, each.length
            checksums = each.payload_checksum, each.header_checksum
            sections.append([tag_of(each.tag), each.flags, *place, *checksums])
        index = []
        for each in lplr.index.entries:
            place = each.payload_checksum, each.payload_offset, each.length
            index.append([tag_of(each.tag), each.matrix, each.ordinal, *place])
        ending = lplr.ending
        version = [lplr.header.major, lplr.header.minor]
        dictionary = None if version == [0, 1] else DICTIONARY
        known = [each for each in lplr.index.entries if not each.section.is_ancillary]
        matrices = []
        for i in range(1 + max(each.matrix for each in known)):
            owned = [each.section for each in known if each.matrix == i]
            matrices.append(self.matrix(owned, dictionary))
        return {
            "version": version,
            "sections": sections,
            "index": index,
            "end": [ending.index_offset, ending.section_count, ending.end_checksum],
            "matrices": matrices,
        }
