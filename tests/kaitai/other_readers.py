"""What the product and the reference decoder find in a file, in the form of parse.py."""

from __future__ import annotations

import io
import itertools
import zlib

import numpy as np
from kaitai.parse import CHUNK_TAGS
from reference import decode

from lplrcli.coding.entropy_model import EntropyModel
from lplrcli.coding.packed import PackedCoding
from lplrcli.container.kept_layout import arrays_of
from lplrcli.container.reader import open_container
from lplrcli.quantize import QUANTIZERS


def section_rows(raw, sections):
    """Tag, flags, matrix, ordinal, offset, length and checksums, as a parser reports them."""
    for tag, matrix, ordinal, checksum, offset, length in sections:
        own = zlib.crc32(raw[offset - 32 : offset - 4])
        yield [tag, 0, matrix, ordinal, offset, length, checksum, own]


def rans_streams(chunks):
    found = []
    for chunk in chunks:
        lanes = decode.Lanes(chunk, "chunk")
        found.append({"states": lanes.states, "words": list(lanes.words)})
    return found


def found_by_the_reference(raw):
    """What decode.py reads in a file; the side of quantizers is compared by its values alone."""
    data = memoryview(raw)
    version = decode.file_header(data)
    entries = decode.structure_of_a_file(data)
    lend = decode.section_header(data, len(data) - 16)
    index_offset = int.from_bytes(raw[-16:-8], "little")
    indx = decode.section_header(data, index_offset + 32)
    rows = [(each[0].decode(), *each[1:]) for each in (*entries, indx, lend)]
    matrices = []
    for sections in decode.order_of_sections(entries):
        frame = decode.payload(data, sections[b"META"][0])
        dictionary = b"" if version == (0, 1) else decode.DICTIONARY
        metadata = decode.parse_json(decode.inflate(frame, 2**24, "META", dictionary))
        comp = io.BytesIO(decode.payload(data, sections[b"COMP"][0]))
        if "kept" in metadata:
            matrices.append(kept_by_the_reference(data, metadata, sections))
            continue
        factors = {}
        for name in (each for each in decode.CHUNK_TAGS if each in metadata["factors"]):
            factor = metadata["factors"][name]
            chunks = [decode.payload(data, each) for each in sections[decode.CHUNK_TAGS[name]]]
            table = comp.read(factor["table_length"])
            read = {"packed": packed_by_the_reference, "rans": rans_by_the_reference}
            factors[name] = read[factor["coding"]](factor, table, chunks, name)
        matrices.append({"metadata": metadata, "factors": factors})
    return {
        "version": list(version),
        "sections": list(section_rows(raw, rows)),
        "index": [list(row) for row in rows[:-2]],
        "end": [index_offset, len(entries), zlib.crc32(raw[-16:-4])],
        "matrices": matrices,
    }


def kept_by_the_reference(data, metadata, sections):
    counts = np.frombuffer(decode.payload(data, sections[b"COMP"][0]), "<u8").tolist()
    found = []
    for each in sections[b"KEPT"]:
        chunk, arrays = decode.payload(data, each), []
        while chunk:
            length = int.from_bytes(chunk[8:16], "little")
            arrays.append([chunk[0], length])
            chunk = chunk[16 + length :]
        found.append(arrays)
    return {"metadata": metadata, "factors": {}, "kept": {"counts": counts, "arrays": found}}


def packed_by_the_reference(factor, table, chunks, name):
    count, length, most = (factor[key] for key in ("components", "length", "chunk_length"))
    bits, side = decode.bits_of(table[:count], name), table[count:]
    codes = [
        decode.packed(chunk, min(most, length - i * most), bits, name).tolist()
        for i, chunk in enumerate(chunks)
    ]
    some = np.tile(np.arange(2), (count, 1))
    dequantize = {"uniform": decode.uniform, "normal": decode.normal}[factor["quantizer"]]
    values = dequantize(some, bits, side, name).tolist()
    return {"tables": {"bits": bits}, "values": values, "chunks": codes}


def rans_by_the_reference(factor, table, chunks, name):
    content = decode.inflate(table, 2**24, name)
    tables, side = decode.entropy_tables(content, factor["components"], factor["quantizer"], name)
    starts = [[0, *itertools.accumulate(each)][:-1] for each in tables.frequencies]
    some = np.tile(np.arange(-4, 5), (factor["components"], 1))
    values = decode.stepped(some, side, name).tolist()
    tables = tables._asdict() | {"starts": starts}
    return {"tables": tables, "values": values, "chunks": rans_streams(chunks)}


def values_of(side, bits):
    """Values of the codes that the reference was asked for, from what a parser found."""
    if "low" in side:
        return [[side["low"], side["step"] + side["low"]]] * len(bits)
    if "shifts" not in side:
        patterns = np.array(side["scales"], np.uint32) << np.uint32(16)
        scales = patterns.view(np.float32).astype(np.float64)
        rows = zip(scales, bits, strict=True)
        return [np.float32(decode.normal_levels(b)[:2] * s).tolist() for s, b in rows]
    q = np.arange(-4, 5)
    shift = np.array([0, *side["shifts"]])[np.minimum(abs(q), 3)]
    units = [side["step"] * ((1 + eighths / 8) * 2.0**power) for eighths, power in side["scales"]]
    return [((256 * q + np.sign(q) * shift) * unit / 256).tolist() for unit in units]


def as_the_reference_tells(report):
    """A parser's report with values in the place of what they are made from."""
    matrices = []
    for matrix in report["matrices"]:
        factors = {}
        for name, factor in matrix["factors"].items():
            values = values_of(factor["side"], factor["tables"].get("bits"))
            factors[name] = {"tables": factor["tables"], "values": values}
            factors[name]["chunks"] = factor["chunks"]
        matrices.append(matrix | {"factors": factors})
    return report | {"matrices": matrices}


def found_by_the_product(raw):
    with open_container(io.BytesIO(raw), "file") as container:
        rows = [
            (s.tag, s.matrix, s.ordinal, s.checksum, s.offset, s.length) for s in container.sections
        ]
        matrices = []
        for i in range(container.count):
            parts = container.factorization(i).parts
            factors = {
                name: factor_of_the_product(parts[name]) for name in CHUNK_TAGS & parts.keys()
            }
            matrices.append({"metadata": container.metadata(i), "factors": factors})
            kept = container.factorization(i).kept
            if kept is not None:
                arrays = [
                    [[layout, len(frame)] for layout, frame in arrays_of(kept.form, chunk)]
                    for chunk in kept.chunks
                ]
                matrices[-1]["kept"] = {"counts": list(kept.counts), "arrays": arrays}
        index = container.sections[-2]
        return {
            "version": list(container.version),
            "sections": list(section_rows(raw, rows)),
            "index": [list(row) for row in rows[:-2]],
            "end": [index.header_offset, len(rows) - 2, zlib.crc32(raw[-16:-4])],
            "matrices": matrices,
        }


def factor_of_the_product(factor):
    quantizer = QUANTIZERS[factor.quantizer].of(factor)
    if factor.quantizer == "uniform":
        side = {"low": quantizer.low, "step": quantizer.step}
    elif factor.quantizer == "normal":
        side = {"scales": (quantizer.scales.view(np.uint32) >> 16).tolist()}
    else:
        scales = [[index % 8, index // 8] for index in quantizer.indices.tolist()]
        side = {"step": quantizer.step, "shifts": list(quantizer.shifts), "scales": scales}
    if factor.coding == "packed":
        coding = PackedCoding.of(factor)
        chunks = []
        for i, chunk in enumerate(factor.chunks):
            rows = min(factor.chunk_length, factor.length - i * factor.chunk_length)
            chunks.append([codes.tolist() for codes in coding.decode_chunk(chunk, rows)])
        return {"tables": {"bits": coding.bits.tolist()}, "side": side, "chunks": chunks}
    model = EntropyModel.from_bytes(factor.coding_parameters, factor.components)
    tokens = [len(each) for each in model.weights]
    tables = {
        "machine": model.state_bits,
        "context": model.context,
        "classes": model.classes.tolist(),
        "context_map": model.table_map.ravel().tolist(),
        "frequencies": [row[:n].tolist() for row, n in zip(model.frequencies, tokens, strict=True)],
        "starts": [row[:n].tolist() for row, n in zip(model.starts, tokens, strict=True)],
    }
    return {"tables": tables, "side": side, "chunks": rans_streams(factor.chunks)}
