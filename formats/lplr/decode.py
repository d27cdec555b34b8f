#!/usr/bin/env python3
"""Reference decoder of the `.lplr` format: SPEC.md beside this file, in executable form.

It is written from the specification alone, to be read beside it rather than to be fast:
functions follow the sections of SPEC.md, and every refusal names section and field.
"""

import argparse
import hashlib
import importlib
import itertools
import json
import math
import re
import struct
import sys
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

try:
    zstd = importlib.import_module("zstandard")
except ImportError:  # Python 3.14 brings its own
    zstd = importlib.import_module("compression.zstd")

WHOLE_FILE = 2**32 - 1
CHUNK_TAGS = {"left_basis": b"LBAS", "right_basis": b"RBAS"}
CHUNK_TAGS |= {"left": b"LEFT", "right": b"RGHT", "residual": b"RESD"}
CHUNK_TAGS |= {"mean_row": b"MROW", "mean_column": b"MCOL"}
MEANS = ("mean_row", "mean_column")
ORDER = (b"META", b"COMP", *CHUNK_TAGS.values(), b"KEPT")
VERSION = (1, 1)
EARLIER = ((0, 1), (0, 2))
MOST_METADATA = 2**26
MODES = {"factors": "left right", "direct": "residual", "factors+residual": "left residual right"}
MODES |= {"kept": ""}
SCHEMA = json.loads(Path(__file__).with_name("metadata.schema.json").read_text("utf-8"))
DICTIONARY = Path(__file__).with_name("metadata.dict").read_bytes()
CODEBOOKS = json.loads(Path(__file__).with_name("normal_codebooks.json").read_text("utf-8"))
LIFTING = (0.443506852043971, 0.882911075530934, -0.052980118572961, -1.586134342059924)
GAINS = (
    (1.139764007655, 0.887277075636),
    (1.177138284475, 0.862872750427),
    (1.161528573502, 0.873664991227),
    (1.153084916511, 0.879332446420),
    (1.150516742616, 0.881038029576),
    (1.149835751164, 0.881488900442),
)
MACHINES = {0: (0, 0), 3: (5, 2), 4: (9, 2), 5: (18, 4), 6: (33, 10), 7: (78, 43), 8: (166, 121)}
TYPES: dict[str, Any] = {"object": dict, "array": list, "string": str, "boolean": bool}
TYPES |= {"integer": int, "number": int | float, "null": type(None)}


class LplrError(Exception):
    """A file that the specification demands to refuse."""


class Section(NamedTuple):
    """A section, in the fields and order of its entry in `INDX`."""

    tag: bytes
    matrix: int
    ordinal: int
    checksum: int
    offset: int
    length: int


class Factor(NamedTuple):
    """Codes, coefficients (the values of the codes) and entries, one row per component each."""

    codes: NDArray[Any]
    coefficients: NDArray[Any]
    values: NDArray[Any]


class Matrix(NamedTuple):
    """Metadata without `user`, the factors by name, and the array in its own type."""

    metadata: dict[str, Any]
    factors: dict[str, Factor]
    array: NDArray[Any]


def check(holds: bool, message: str) -> None:
    """Refuse the file unless a rule of the specification holds."""
    if not holds:
        raise LplrError(message)


class EntropyTables(NamedTuple):
    """Tables of the coding `rans`: as they are, differences undone."""

    machine: int
    context: int
    classes: list[int]
    context_map: list[int]
    frequencies: list[list[int]]


def file_header(data: memoryview) -> tuple[int, int]:
    """Check signature, checksum and version, in this order, and return the version."""
    check(bytes(data[:8]) == b"\x89LPLR\r\x1a\n", "File header, signature: not an .lplr file")
    check(len(data) >= 32, "File header: file is truncated")
    _, major, minor, flags, reserved, checksum = struct.unpack_from("<8sHHI12sI", data)
    check(zlib.crc32(data[:28]) == checksum, "File header, header checksum: mismatch")
    needed = f"file needs a reader of version {major}.{minor}, this one reads 0.1, 0.2 and 1.x"
    known = (major, minor) in EARLIER or major == VERSION[0]
    check(known, f"File header, major, minor: {needed}")
    check(flags == 0 and not any(reserved), "File header, flags, reserved: not zero")
    return major, minor


def section_header(data: memoryview, offset: int) -> Section:
    """Read the section header before the payload at byte `offset`."""
    name = f"Section header at byte {offset - 32}"
    check(offset <= len(data), f"{name}: file is truncated")
    fields = struct.unpack_from("<4sIIIQII", data, offset - 32)
    tag, flags, matrix, ordinal, length, payload_checksum, header_checksum = fields
    crc = zlib.crc32(data[offset - 32 : offset - 4])
    check(crc == header_checksum, f"{name}, header checksum: mismatch")
    check(flags == 0, f"{name}, flags: not zero")
    check(length <= len(data) - offset, f"{name}, length: payload ends after the file")
    return Section(tag, matrix, ordinal, payload_checksum, offset, length)


def payload(data: memoryview, section: Section) -> bytes:
    """Read a payload, and check its checksum."""
    content = bytes(data[section.offset : section.offset + section.length])
    name = f"{section.tag!r} {section.ordinal} of matrix {section.matrix}"
    check(zlib.crc32(content) == section.checksum, f"{name}, payload checksum: mismatch")
    return content


def structure_of_a_file(data: memoryview) -> list[Section]:
    """Read `LEND` and `INDX`; check that the sections fill the file as the index says."""
    check(len(data) >= 32 + 32 + 48, "Structure of a file: file is truncated")
    lend = section_header(data, len(data) - 16)
    known = lend[:3] == (b"LEND", WHOLE_FILE, 0) and lend.length == 16
    check(known, "LEND: not in the last 48 bytes")
    index_offset, count, checksum = struct.unpack("<QII", payload(data, lend))
    check(zlib.crc32(data[-16:-4]) == checksum, "LEND, end checksum: mismatch")
    indx = section_header(data, index_offset + 32)
    check(indx[:3] == (b"INDX", WHOLE_FILE, 0), "LEND, index offset: no INDX is there")
    check(indx.length == 32 * count, "LEND, section count: not the length of INDX")
    entries = [Section(*fields) for fields in struct.iter_unpack("<4sIIIQQ", payload(data, indx))]
    end = 32
    for number, entry in enumerate([*entries, indx, lend]):
        offset = (end + 32 + 63) // 64 * 64
        name = f"INDX, entry {number}, payload offset" if number < count else repr(entry.tag)
        check(entry.offset == offset, f"{name}: {entry.offset}, the structure demands {offset}")
        check(section_header(data, offset) == entry, f"{name}: entry and section header differ")
        check(not any(data[end : offset - 32]), f"Padding after byte {end}: not zero")
        end = offset + entry.length
    return entries


def order_of_sections(entries: list[Section]) -> list[dict[bytes, list[Section]]]:
    """Sort the critical sections by matrix and tag; refuse unknown ones, and any other order."""
    matrices: list[dict[bytes, list[Section]]] = []
    counts: dict[tuple[bytes, int], int] = {}
    last = b"META"
    for entry in entries:
        tag, matrix = entry.tag, entry.matrix
        name = f"Section {tag!r} {entry.ordinal} of matrix {matrix}"
        case = tag.isupper() or (tag[:1].islower() and tag[1:3].isupper())
        check(tag.isalpha() and case, f"{name}, tag: not letters, or in another case")
        check(entry.ordinal == counts.get((tag, matrix), 0), f"{name}, ordinal: out of order")
        counts[tag, matrix] = entry.ordinal + 1
        if tag[:1].islower():
            continue
        check(tag in ORDER, f"{name}, tag: critical, and unknown or out of place")
        if tag == b"META":
            matrices.append({each: [] for each in ORDER})
        in_order = tag == b"META" or ORDER.index(tag) >= ORDER.index(last)
        check(matrix == len(matrices) - 1 and in_order, f"Order of sections: {name} out of order")
        matrices[-1][tag].append(entry)
        last = tag
    check(bool(matrices), "Order of sections: no matrix")
    check(all(len(each[b"COMP"]) == 1 for each in matrices), "Order of sections: not one COMP")
    for tag, matrix in counts:
        there = matrix == WHOLE_FILE or matrix < len(matrices)
        check(there, f"Section header, matrix: {tag!r} names matrix {matrix}")
    return matrices


def inflate(frame: bytes, most: int, name: str, dictionary: bytes = b"") -> bytes:
    """Inflate a bounded frame; the header of a frame is RFC 8878, section 3.1.1.1."""
    check(frame[:4] == b"\x28\xb5\x2f\xfd" and len(frame) > 5, f"{name}: not a Zstandard frame")
    single, id_length = frame[4] >> 5 & 1, (0, 1, 2, 4)[frame[4] & 3]
    size_length = (single, 2, 4, 8)[frame[4] >> 6]
    at = 6 - single + id_length
    check(size_length > 0, f"{name}: frame does not state its content size")
    check(not any(frame[at - id_length : at]), f"{name}: frame names a dictionary")
    size = int.from_bytes(frame[at : at + size_length], "little") + 256 * (size_length == 2)
    window = size if single else (8 + (frame[5] & 7)) << (7 + (frame[5] >> 3))
    check(size <= most, f"{name}: content over {most} bytes")
    check(window <= 2**24, f"{name}: window over 16 MiB")
    try:
        if zstd.__name__ == "zstandard":
            raw = zstd.ZstdCompressionDict(dictionary, dict_type=zstd.DICT_TYPE_RAWCONTENT)
            decompressor = zstd.ZstdDecompressor(dict_data=raw if dictionary else None)
            content: bytes = decompressor.decompress(frame, allow_extra_data=False)
        else:
            raw = zstd.ZstdDict(dictionary, is_raw=True) if dictionary else None
            decompressor = zstd.ZstdDecompressor(zstd_dict=raw)
            content = decompressor.decompress(frame, max_length=size + 1)
            whole = decompressor.eof and not decompressor.unused_data
            check(whole, f"{name}: not one whole frame")
    except zstd.ZstdError as error:
        raise LplrError(f"{name}: {error}") from error
    check(len(content) == size, f"{name}: content is not of the size that the frame states")
    return content


def parse_json(content: bytes) -> Any:
    """Parse the JSON text of `META`, checking first what makes that safe."""

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        check(len(dict(pairs)) == len(pairs), "META: object with a repeated key")
        return dict(pairs)

    def number(digits: str) -> float:
        check(math.isfinite(float(digits)), "META: NaN, or number that rounds to infinity")
        return float(digits)

    def integer(digits: str) -> int:
        check(len(digits) <= 20, "META: integer of over 20 characters")
        return int(digits)

    hooks: dict[str, Any] = {"parse_float": number, "parse_int": integer, "parse_constant": number}
    try:
        text = content.decode("utf-8")
        # An unclosed string is matched to the end, so that this takes linear time.
        bare = re.sub(r'(?s)"(?:[^"\\]++|\\.)*+"?', "", text)
        check(sum(map(bare.count, "[]{},")) <= 2**20, "META: over 1048576 structural characters")
        marks = re.findall(r"[][{}]", bare)
        depths = itertools.accumulate(1 if mark in "[{" else -1 for mark in marks)
        check(max(depths, default=0) <= 32, "META: nested over 32 deep")
        return json.loads(text, object_pairs_hook=members, **hooks)
    except ValueError as error:  # not UTF-8, or not JSON
        raise LplrError(f"META: {error}") from error


def validate(value: Any, schema: dict[str, Any], later: bool, name: str = "META") -> None:
    """Check a value against the part of JSON Schema draft 4 that the metadata schema uses."""
    if later:  # Versions and compatibility: ids that no decoder needs
        schema = schema.get("inLaterMinors", schema)
    while "$ref" in schema:
        schema = SCHEMA["definitions"][schema["$ref"].rpartition("/")[2]]
    wanted = schema.get("type", [])
    kinds = tuple(TYPES[each] for each in ([wanted] if isinstance(wanted, str) else wanted))
    # In Python a bool is an int, in JSON it is not.
    fits = bool in kinds if isinstance(value, bool) else isinstance(value, kinds)
    check(fits or not kinds, f"{name}: not of type {wanted}")
    check("enum" not in schema or value in schema["enum"], f"{name}: not registered")
    if isinstance(value, int | float):
        in_range = schema.get("minimum", value) <= value <= schema.get("maximum", value)
        whole = "multipleOf" not in schema or value % schema["multipleOf"] == 0
        check(in_range and whole, f"{name}: out of range, or no multiple")
    elif isinstance(value, str):
        check(len(value) <= schema.get("maxLength", len(value)), f"{name}: too long")
        check(bool(re.fullmatch(schema.get("pattern", "(?s).*"), value)), f"{name}: not allowed")
    elif isinstance(value, list):
        most = schema.get("maxItems", len(value))
        check(schema.get("minItems", 0) <= len(value) <= most, f"{name}: wrong number of items")
        for each in value:
            validate(each, schema.get("items", {}), later, name)
    elif isinstance(value, dict):
        properties = schema.get("properties", {})
        missing = set(schema.get("required", ())) - value.keys()
        check(not missing, f"{name}: {sorted(missing)} missing")
        check(len(value) >= schema.get("minProperties", 0), f"{name}: empty")
        closed = "keysAreIds" if later else "additionalProperties"
        unknown = value.keys() - properties.keys() if closed in schema else set()
        check(not unknown, f"{name}: {ascii(min(unknown, default=''))[:99]} unknown")
        for key in properties.keys() & value.keys():
            validate(value[key], properties[key], later, f"{name}, {key}")


def later_than_first(meta: dict[str, Any]) -> None:
    """Refuse in a file of version 0.1 what came with 0.2; Versions tells what that is."""
    plan, name = meta["plan"], "Versions: came with 0.2"
    target = plan["target"]
    check(target["method"] != "rate-distortion", f"{name}: method")
    check(None not in (target["bits"], target["bits_right"]), f"{name}: bits of null")
    new = target.keys() - {"method", "rank", "bits", "bits_right"}
    check(not new and "predictions" not in plan, f"{name}: keys of the plan")
    estimated = "estimator" in meta["achieved"] or plan["basis"] == "single-pass"
    check(not estimated, f"{name}: passes that were saved")
    check(not meta["factors"].keys() & {*MEANS}, f"{name}: means")
    for factor in meta["factors"].values():
        check(factor["quantizer"] in ("uniform", "normal"), f"{name}: quantizer")
        check(factor["coding"] == "packed", f"{name}: coding")
        check(factor["transform"] == "identity", f"{name}: transform")


def later_than_1_0(meta: dict[str, Any]) -> None:
    """Refuse in a file of version 1.0 or an earlier one what came with 1.1."""
    new = "kept" in meta or meta["plan"]["mode"] == "kept" or not meta["factors"]
    check(not new, "Versions: came with 1.1: kept entries (kept, plan, mode, factors)")


def arithmetic_of_kept(meta: dict[str, Any]) -> None:
    """Check the rules of kept entries."""
    kept, (n, d) = meta["kept"], meta["matrix"]["shape"]
    check(meta["plan"]["exponent"] == 0, "META, plan, exponent: not 0, with kept entries")
    check(kept["chunk_rows"] <= n, "META, kept, chunk_rows: more than there are rows")
    few = kept["entries"] < n * d and kept["form"] == "sparse"
    check(few or kept["entries"] == n * d, "META, kept, entries: not as many as the form has")
    step = kept.get("step", 1)
    check(math.isfinite(step) and step > 0, "META, kept, step: not finite and greater than 0")
    check("step" not in kept or kept["form"] == "sparse", "META, kept, step: not with dense")


def basis_stride(grid: list[int]) -> int:
    """Return how many entries a vector of any axis takes in a basis of `klt`."""
    return (max(grid) + 7) // 8 * 8


def arithmetic(meta: dict[str, Any]) -> None:
    """Check the rules of `META` between fields; Python's integers do not overflow."""
    n, d = meta["matrix"]["shape"]
    shape, unfold = meta["array"]["shape"], meta["matrix"]["unfold"]
    check(n * d < 2**63, "META, matrix, shape: product over 2^63 - 1")
    check(unfold <= len(shape), "META, matrix, unfold: more than there are axes")
    rows, columns = math.prod(shape[:unfold]), math.prod(shape[unfold:])
    check((rows, columns) == (n, d), "META, matrix, unfold: array shape does not give matrix shape")
    factors, mode = meta["factors"], meta["plan"]["mode"]
    apart = {key for key in factors if key in MEANS or key.endswith("_basis")}
    parts = " ".join(sorted(factors.keys() - apart))
    agree = parts == MODES[mode] and (mode == "kept") == ("kept" in meta)
    check(agree and not (apart and mode == "kept"), "META, plan, mode: factors do not agree")
    if "kept" in meta:
        arithmetic_of_kept(meta)
    for side in ("left", "right"):
        needed = factors.get(side, {}).get("transform") == "klt"
        there = f"{side}_basis" in factors
        check(there == needed, f"META, factors, {side}_basis: missing, or without klt")
    for key, factor in factors.items():
        name, count = f"META, factors, {key}", factor["components"]
        entropy = factor["coding"] == "rans"
        if key == "residual":
            check(count == 1 or (entropy and count == d), f"{name}, components: not 1 or {d}")
            length = n * d if count == 1 else n
            check(factor["transform"] != "klt", f"{name}, transform: klt")
        elif key.endswith("_basis"):
            of = factors[key.removesuffix("_basis")]
            length = len(of["grid"]) * basis_stride(of["grid"])
            most = max(2**20, of["components"] * of["length"]) // length
            check(count <= min(max(of["grid"]), most), f"{name}, components: too many")
            check(entropy and factor["transform"] != "klt", f"{name}, coding or transform: wrong")
            check(factor["grid"] == [length], f"{name}, grid: not {length} alone")
            runs = factor["chunk_length"] == basis_stride(of["grid"])
            check(runs, f"{name}, chunk_length: not the stride")
        elif key in MEANS:
            check(count == 1, f"{name}, components: not 1")
            check(factor["transform"] != "klt", f"{name}, transform: klt")
            length = d if key == "mean_row" else n
        else:
            length = n if key == "left" else d
            check(count == factors["left"]["components"], f"{name}, components: not equal")
            check(not entropy or count <= min(n, d), f"{name}, components: over min(n, d)")
        check(factor["length"] == length, f"{name}, length: not {length}")
        check(math.prod(factor["grid"]) == length, f"{name}, grid: product is not the length")
        size, layer = factor["chunk_length"], math.prod(factor["grid"][1:])
        whole = factor["transform"] == "identity" or size >= length or size % layer == 0
        check(whole, f"{name}, chunk_length: not whole layers of the grid")
        one = factor["transform"] != "klt" or size >= length
        check(one, f"{name}, chunk_length: less than the length, with klt")
        pair = (factor["quantizer"] in ("deadzone", "trellis")) == entropy
        check(pair, f"{name}, quantizer, coding: do not go together")
        table_length = count + (16 if factor["quantizer"] == "uniform" else 2 * count)
        holds = factor["table_length"] >= 1 if entropy else factor["table_length"] == table_length
        check(holds, f"{name}, table_length: not {1 if entropy else table_length}")


def bits_of(tables: bytes, name: str) -> list[int]:
    """Check the tables of the coding `packed`."""
    check(all(1 <= each <= 16 for each in tables), f"{name}, bits: not 1 to 16")
    return list(tables)


def packed(content: bytes, rows: int, bits: list[int], name: str) -> NDArray[np.uint16]:
    """Decode a chunk of the coding `packed`: a run of codes per component."""
    runs = [-(-each * rows // 8) for each in bits]
    check(len(content) == sum(runs), f"{name}, chunk length: not {sum(runs)}")
    codes = np.zeros((len(bits), rows), np.uint16)
    at = 0
    for i, (width, run) in enumerate(zip(bits, runs, strict=True)):
        each = np.frombuffer(content, np.uint8, run, at)
        stream = np.unpackbits(each, bitorder="little")
        check(not stream[width * rows :].any(), f"{name}, run padding: not zero")
        for bit in range(width):
            codes[i] |= stream[bit : width * rows : width].astype(np.uint16) << np.uint16(bit)
        at += run
    return codes


def undo(stored: bytes, lag: int) -> list[int]:
    """Undo differences mod 256 from the byte `lag` before."""
    found = list(stored)
    for i in range(lag, len(found)):
        found[i] = (found[i] + found[i - lag]) % 256
    return found


def frequencies(stored: bytes, name: str) -> list[int]:
    """Frequencies of the tokens that a frequency table lists; they sum to 4096."""
    indices = undo(stored, 2)
    check(1 <= len(indices) <= 231, f"{name}, count: not 1 to 231")
    check(max(indices) <= 47 and indices[-1] > 0, f"{name}, weight: over 47, or last one 0")
    weights = [w if w < 4 else (4 + w % 4) << (w // 4 - 1) for w in indices]
    found = [max(1, 4096 * each // sum(weights)) if each else 0 for each in weights]
    greatest = found.index(max(found))
    found[greatest] += 4096 - sum(found)
    check(found[greatest] >= 1, f"{name}, frequency: less than 1")
    return found


def entropy_tables(
    content: bytes, components: int, quantizer: str, name: str
) -> tuple[EntropyTables, bytes]:
    """Read the tables of the coding `rans`, and return them with what follows, the side."""
    stream = memoryview(content)

    def take(size: int) -> bytes:
        nonlocal stream
        check(len(stream) >= size, f"{name}, tables: end too early")
        part, stream = stream[:size], stream[size:]
        return bytes(part)

    machine, context, class_count, table_count = take(4)
    right = machine == 0 if quantizer == "deadzone" else 3 <= machine <= 8
    check(right, f"{name}, machine: not one for {quantizer}")
    check(context <= 4, f"{name}, context: not 0 to 4")
    check((class_count > 0) == (components > 0), f"{name}, classes: none, or not none")
    check((table_count > 0) == (components > 0), f"{name}, frequency tables: none, or not none")
    classes = undo(take(components), 1)
    check(all(each < class_count for each in classes), f"{name}, class: too large")
    size = class_count * (32 if context else 1) * (2 if machine else 1)
    context_map = undo(take(size), 1)
    check(all(each < table_count for each in context_map), f"{name}, context map: too large")
    found = [frequencies(take(take(1)[0]), f"{name}, table {t}") for t in range(table_count)]
    return EntropyTables(machine, context, classes, context_map, found), bytes(stream)


class Lanes:
    """The four decoders of a chunk of the coding `rans`, and the words that they share."""

    def __init__(self, content: bytes, name: str) -> None:
        long_enough = len(content) >= 16 and len(content) % 2 == 0
        check(long_enough, f"{name}, length: under 16, or odd")
        self.states: list[int] = list(struct.unpack_from("<4I", content))
        self.words = iter(struct.unpack_from(f"<{len(content) // 2 - 8}H", content, 16))
        self.name = name
        check(min(self.states) >= 2**16, f"{name}, states: less than 2^16")

    def refill(self, lane: int, x: int) -> None:
        """Set the state of a lane, of which the next word becomes part if it is small."""
        if x < 2**16:
            word: int = next(self.words, -1)
            check(word >= 0, f"{self.name}, words: none is left")
            x = x << 16 | word
        self.states[lane] = x

    def token(self, lane: int, tokens: list[int], starts: list[int]) -> int:
        """Decode a token, given the token of every slot and the start of every token."""
        x = self.states[lane]
        slot = x % 4096
        token = tokens[slot]
        self.refill(lane, (starts[token + 1] - starts[token]) * (x >> 12) + slot - starts[token])
        return token

    def bits(self, lane: int, count: int) -> int:
        """Decode extra bits, the low 16 of them first."""
        x, some = self.states[lane], min(count, 16)
        self.refill(lane, x >> some)
        low = x & ((1 << some) - 1)
        return low | self.bits(lane, count - 16) << 16 if count > 16 else low

    def end(self) -> None:
        """Check that nothing is left."""
        check(next(self.words, None) is None, f"{self.name}, end of the chunk: words are left")
        known = self.states == [2**16] * 4
        check(known, f"{self.name}, end of the chunk: state of a lane is not 2^16")


def context_of(codes: list[int], kind: int, grid: list[int]) -> int:
    """Context of the entry of a component that comes after these codes of the chunk."""
    if kind == 0:
        return 0
    t = len(codes)
    if kind == 1:
        a, b = (codes[t - back] if t >= back else 0 for back in (1, 2))
        weighted = 2 * a + b
        return min(abs(weighted).bit_length(), 15) + 16 * (weighted < 0)
    w, h = grid[-1], grid[-2] if len(grid) > 1 else 1
    x, y, z = t % w, t // w % h, t // (w * h)
    plane = w * h
    around = [
        *((2, 1, x >= 1), (1, 2, x >= 2), (2, w, y >= 1), (1, 2 * w, y >= 2)),
        *((1, w + 1, x >= 1 and y >= 1), (1, w - 1, x + 1 < w and y >= 1)),
        *((2, plane, z >= 1), (1, 2 * plane, z >= 2)),
        *((1, plane + 1, z >= 1 and x >= 1), (1, plane - 1, z >= 1 and x + 1 < w)),
        *((1, plane + w, z >= 1 and y >= 1), (1, plane - w, z >= 1 and y + 1 < h)),
    ]
    total = sum(weight * abs(codes[t - back]) for weight, back, there in around if there)
    if kind == 3:
        total = 2 * total + (abs(codes[(z // 2 * h + y // 2) * w + x // 2]) if t else 0)
    if kind == 4:
        backs = ((x + 1) // 2, (y + 1) // 2 * w, (z + 1) // 2 * plane)
        total = 2 * total + sum(abs(codes[t - back]) for back in backs if back)
    digits = total.bit_length()
    return total if total < 2 else min(2 * digits - 2 + (total >> (digits - 2) & 1), 31)


def rans(
    content: bytes, rows: int, tables: EntropyTables, name: str, grid: list[int] | None = None
) -> NDArray[np.int32]:
    """Decode a chunk of the coding `rans`, one entry after the other; one axis without a grid."""
    lanes = Lanes(content, name)
    extents = grid or [rows]
    starts = [[0, *itertools.accumulate(each)] for each in tables.frequencies]
    slots = [[t for t, f in enumerate(each) for _ in range(f)] for each in tables.frequencies]
    h0, h1 = MACHINES[tables.machine]
    contexts, unions = 32 if tables.context else 1, 2 if tables.machine else 1
    components = len(tables.classes)
    codes: list[list[int]] = [[] for _ in range(components)]
    states = [0] * 4
    for first in range(0, components, 4):
        group = range(first, min(first + 4, components))
        for _, i in itertools.product(range(rows), group):
            union = states[i % 4] & 1  # the state stays 0 without a machine
            context = context_of(codes[i], tables.context, extents)
            at = (tables.classes[i] * contexts + context) * unions + union
            table = tables.context_map[at]
            token = lanes.token(i % 4, slots[table], starts[table])
            m = bucket = (token + 1) // 2
            if bucket >= 16:
                n = (bucket - 16) // 4 + 2
                m = (4 + bucket % 4) * 2**n + lanes.bits(i % 4, n)
            k = -m if token % 2 else m
            codes[i].append(2 * k + union if tables.machine else k)
            states[i % 4] >>= 1
            states[i % 4] ^= (h0 if union else 0) ^ (h1 if k % 2 else 0)
    lanes.end()
    return np.array(codes, np.int32).reshape(components, rows)


def normal_levels(bits: int) -> NDArray[Any]:
    """Return the levels of all codes of the quantizer `normal`; they are exact."""
    unit: int = CODEBOOKS["unit_log2"]
    if bits <= 8:
        positive = CODEBOOKS["lloyd_max"][str(bits)]
        return np.array([-each for each in reversed(positive)] + positive) * 2.0**unit
    q = np.arange(2**bits)
    k, j = q >> (bits - 8), q & (2 ** (bits - 8) - 1)
    c = np.array(CODEBOOKS["compander"], np.int64)
    level: NDArray[np.int64] = c[k] * 2 ** (bits - 7) + (c[k + 1] - c[k]) * (2 * j + 1)
    return level * 2.0 ** (unit - (bits - 7))


def uniform(codes: NDArray[np.uint16], bits: list[int], side: bytes, name: str) -> NDArray[Any]:
    """Dequantize by equal steps over one range; two roundings, as two NumPy operations are."""
    low, step = struct.unpack("<dd", side)
    high = low + step * (2 ** max(bits, default=0) - 1)
    finite = math.isfinite(low) and math.isfinite(step) and math.isfinite(high)
    check(finite and step >= 0, f"{name}, low, step: not finite, or step is negative")
    check(len(set(bits)) <= 1, f"{name}, bits: not the same for all components")
    values: NDArray[np.float64] = codes * np.float64(step) + np.float64(low)
    return values


def normal(codes: NDArray[np.uint16], bits: list[int], side: bytes, name: str) -> NDArray[Any]:
    """Dequantize by codebooks for the normal distribution, one scale per component."""
    raw = np.frombuffer(side, "<u2")
    check(bool(((raw >= 0x0001) & (raw <= 0x7F7F)).all()), f"{name}, scale: not finite and over 0")
    scales = (raw.astype(np.uint32) << np.uint32(16)).view(np.float32).astype(np.float64)
    levels = {each: normal_levels(each) for each in set(bits)}
    values = np.empty(codes.shape, np.float32)
    for i, (each, scale) in enumerate(zip(bits, scales, strict=True)):
        values[i] = levels[each][codes[i]] * scale  # exact, then rounded once
    return values


def units(side: bytes, components: int, name: str) -> NDArray[np.float64]:
    """Return the unit of each component, from the side of `deadzone` or `trellis`."""
    check(len(side) == 11 + 2 * components, f"{name}, side: not of the length demanded")
    step = struct.unpack_from("<d", side)[0]
    check(math.isfinite(step) and step > 0, f"{name}, step: not finite and over 0")
    planes = np.frombuffer(side, np.uint8, offset=11).reshape(2, components)
    index = (planes[1].astype(np.uint16) << 8 | planes[0]).astype(np.uint16).view(np.int16)
    in_range = (index >= -8176) & (index <= 8191)
    check(bool(in_range.all()), f"{name}, scales: index not -8176 to 8191")
    scale = np.ldexp(1 + (index & 7) / 8, (index >> 3).astype(np.int32))
    unit: NDArray[np.float64] = np.float64(step) * scale
    in_range = (unit >= 2.0**-960) & (unit <= 2.0**960)
    check(bool(in_range.all()), f"{name}, scales: unit not 2^-960 to 2^960")
    return unit


def stepped(codes: NDArray[np.int32], side: bytes, name: str) -> NDArray[Any]:
    """Dequantize to multiples of the units, moved by what the magnitude of a code says."""
    unit = units(side, len(codes), name)
    shift = np.array([0, *struct.unpack_from("<3b", side, 8)])
    wide = codes.astype(np.int64)
    exact = 256 * wide + np.sign(wide) * shift[np.minimum(np.abs(wide), 3)]
    values: NDArray[np.float64] = exact.astype(np.float64) * unit[:, None] / 256
    return values


def inverse_dct(line: NDArray[Any]) -> NDArray[Any]:
    """Sum of cosines along the last axis, as the real part of one of complex exponentials."""
    extent = line.shape[-1]
    k = np.arange(extent)
    scaled = line * np.where(k == 0, math.sqrt(1 / extent), math.sqrt(2 / extent))
    # cos(π (2j + 1) k / 2N) is the real part of exp(πi k / 2N) · exp(2πi j k / 2N).
    turned = scaled * np.exp(0.5j * np.pi * k / extent)
    return np.asarray(np.fft.ifft(turned, 2 * extent)[..., :extent].real * (2 * extent))


def joined(line: NDArray[Any], level: int) -> NDArray[Any]:
    """Join the low and the high part along the last axis: undo one level of `cdf97`."""
    extent = line.shape[-1]
    middle = (extent + 1) // 2
    found = np.empty_like(line)
    found[..., 0::2], found[..., 1::2] = (
        line[..., :middle] / GAINS[level][0],
        line[..., middle:] / GAINS[level][1],
    )
    for step, factor in enumerate(LIFTING):
        at = np.arange(step % 2, extent, 2)
        before, after = np.abs(at - 1), np.where(at + 1 < extent, at + 1, extent - 2)
        found[..., at] -= factor * (found[..., before] + found[..., after])
    return found


def inverse_cdf97(values: NDArray[Any], grid: list[int]) -> NDArray[Any]:
    """Undo the levels of `cdf97`, the last one first."""
    levels, extents = [], list(grid)
    for _ in range(6):
        split = [extent >= 8 for extent in extents]
        levels.append((extents, split))
        extents = [(e + 1) // 2 if s else e for e, s in zip(extents, split, strict=True)]
    for level in range(5, -1, -1):
        extents, split = levels[level]
        box = (slice(None), *(slice(extent) for extent in extents))
        for axis in range(len(grid) - 1, -1, -1):
            if split[axis]:
                line = np.moveaxis(values[box], axis + 1, -1)
                values[box] = np.moveaxis(joined(line, level), -1, axis + 1)
    return values


def inverse_cdf97_tensor(values: NDArray[Any], grid: list[int]) -> NDArray[Any]:
    """Undo the levels of `cdf97` along one axis after the other."""
    for axis, extent in enumerate(grid, 1):
        extents = [extent]
        while len(extents) <= 6 and extents[-1] >= 8:
            extents.append((extents[-1] + 1) // 2)
        line = np.moveaxis(values, axis, -1)
        for level in range(len(extents) - 2, -1, -1):
            line[..., : extents[level]] = joined(line[..., : extents[level]], level)
    return values


def axes_of(basis: NDArray[Any], grid: list[int]) -> list[NDArray[np.float64]]:
    """Make the stored vectors of every axis of `klt` orthonormal, one after the other."""
    found, stride = [], basis_stride(grid)
    for axis, extent in enumerate(grid):
        kept = np.zeros((0, extent))
        for stored in basis[:extent, axis * stride : axis * stride + extent]:
            largest = np.abs(stored).max()
            if largest == 0:
                break
            vector = stored / largest  # so that no square overflows
            new = vector
            for _ in range(2):  # once more for what rounding left
                new = new - kept.T @ (kept @ new)
            if np.linalg.norm(new) <= 2.0**-10 * np.linalg.norm(vector):
                break
            kept = np.concatenate([kept, [new / np.linalg.norm(new)]])
        found.append(kept)
    return found


def inverse_transform(
    coefficients: NDArray[Any], factor: dict[str, Any], basis: NDArray[Any] | None = None
) -> NDArray[Any]:
    """Entries of a chunk; its grid has whole layers of that of the factor."""
    if factor["transform"] == "identity":
        return coefficients
    count, rows = coefficients.shape
    layer = factor["grid"][1:]
    grid = [rows // math.prod(layer), *layer]
    values = coefficients.astype(np.float64).reshape(count, *grid)
    if factor["transform"] == "cdf97":
        values = inverse_cdf97(values, grid)
    elif factor["transform"] == "cdf97-tensor":
        values = inverse_cdf97_tensor(values, grid)
    elif basis is not None:
        for axis, vectors in enumerate(axes_of(basis, grid), 1):
            lines = np.moveaxis(values, axis, -1)[..., : len(vectors)]
            values = np.moveaxis(lines @ vectors, -1, axis)
    else:
        for axis in range(1, values.ndim):
            values = np.moveaxis(inverse_dct(np.moveaxis(values, axis, -1)), -1, axis)
    return values.reshape(count, rows)


def factor_of(
    factor: dict[str, Any],
    table: bytes,
    chunks: list[bytes],
    basis: Factor | None,
    name: str,
    label: str,
) -> Factor:
    """Decode, dequantize and transform the chunks of one factor, given its part of `COMP`."""
    length, count, quantizer = factor["length"], factor["components"], factor["quantizer"]
    entropy = factor["coding"] == "rans"
    if entropy:
        content = inflate(table, 2**24, name)
        tables, side = entropy_tables(content, count, quantizer, name)
        # What is wrong with the side is told before anything is decoded.
        units(side, count, name)
    else:
        bits, side = bits_of(table[:count], name), table[count:]
    parts = [np.zeros((count, 0 if count else length), np.int32 if entropy else np.uint16)]
    for ordinal, chunk in enumerate(chunks):
        rows = min(length - ordinal * factor["chunk_length"], factor["chunk_length"])
        where = f"{label} {ordinal}"
        if entropy:
            parts.append(rans(chunk, rows, tables, where, factor["grid"]))
        else:
            parts.append(packed(chunk, rows, bits, where))
    codes = np.concatenate(parts, axis=1)
    if entropy:
        found = stepped(codes, side, name)
    else:
        found = {"uniform": uniform, "normal": normal}[quantizer](codes, bits, side, name)
    if factor["transform"] == "identity" or not found.size:
        return Factor(codes, found, found)
    chunks_of = np.split(found, range(factor["chunk_length"], length, factor["chunk_length"]), 1)
    vectors = None if basis is None else basis.values
    parts = [inverse_transform(each, factor, vectors) for each in chunks_of]
    values = np.concatenate(parts, axis=1)
    return Factor(codes, found, values)


def factors_of(
    data: memoryview, metadata: dict[str, Any], sections: dict[bytes, list[Section]]
) -> dict[str, Factor]:
    """Read `COMP`, decode the chunks and dequantize them."""
    described = metadata["factors"]
    (comp,) = sections[b"COMP"]
    check(comp.length == sum(each["table_length"] for each in described.values()), "COMP: length")
    tables = payload(data, comp)
    factors: dict[str, Factor] = {}
    check(not sections[b"KEPT"], "KEPT: file has sections, but no kept entries")
    for key, tag in CHUNK_TAGS.items():
        factor = described.get(key, {"length": 0, "chunk_length": 8, "components": 0})
        demanded = -(-factor["length"] // factor["chunk_length"]) if factor["components"] else 0
        check(len(sections[tag]) == demanded, f"{tag!r}: file has not {demanded} sections")
        if key in described:
            table, tables = tables[: factor["table_length"]], tables[factor["table_length"] :]
            chunks = [payload(data, section) for section in sections[tag]]
            label = f"{tag!r} of matrix {comp.matrix}, chunk"
            basis = factors.get(f"{key}_basis")
            factors[key] = factor_of(factor, table, chunks, basis, f"COMP, {key}", label)
    return factors


def to_odd(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Round to binary32 so that a second rounding, to less, gives what one alone would.

    Where a value is not one of binary32, of the two next to it the one with an odd last digit.
    """
    near = values.astype(np.float32)
    inexact = (near != values) & ~np.isnan(values)
    even = (near.view(np.uint32) & 1) == 0
    toward = np.where(values > near, np.inf, -np.inf).astype(np.float32)
    return np.where(inexact & even, np.nextafter(near, toward), near).astype(np.float32)


def decoded_matrix(metadata: dict[str, Any], factors: dict[str, Factor]) -> NDArray[Any]:
    """Return 2^exponent (L R + 1 m + c 1 + E), in binary64, in the type and shape of the array."""
    dtype, shape = metadata["array"]["dtype"], metadata["array"]["shape"]
    result: NDArray[np.float64] = np.zeros(metadata["matrix"]["shape"])
    if "left" in factors:
        result += factors["left"].values.T.astype(np.float64) @ factors["right"].values
    if "residual" in factors:
        values = factors["residual"].values
        # One component holds the rows; of several, each is a column.
        result += values.reshape(result.shape) if len(values) == 1 else values.T
    if "mean_row" in factors:
        result += factors["mean_row"].values
    if "mean_column" in factors:
        result += factors["mean_column"].values.T
    # The power alone may overflow where the product does not.
    return converted(np.ldexp(result, metadata["plan"]["exponent"]).reshape(shape), dtype)


def converted(result: NDArray[np.float64], dtype: str) -> NDArray[Any]:
    """Convert sums, or multiples of a step, to the type of the array."""
    if dtype == "bool":
        return np.asarray(result >= 0.5)
    if dtype == "bfloat16":
        largest = float(np.uint32(0x7F7F0000).view(np.float32))
        pattern = to_odd(np.clip(result, -largest, largest)).view(np.uint32)
        rounded = (pattern + 0x7FFF + (pattern >> 16 & 1)) >> 16
        return np.where(np.isnan(result), 0x7FC0, rounded).astype("<u2").view("V2")
    if dtype.startswith("float"):
        largest = float(np.finfo(dtype).max)
        return np.asarray(np.clip(result, -largest, largest), dtype)
    result = np.nan_to_num(result)
    limits = np.iinfo(dtype)
    # The extremes of 64 bits are no binary64, so these are set apart from the conversion.
    above, below = result >= float(limits.max), result <= float(limits.min)
    whole = np.rint(np.where(above | below, 0, result)).astype(dtype)
    whole[above], whole[below] = limits.max, limits.min
    return whole


def unfolded(z: NDArray[Any]) -> NDArray[Any]:
    """Return the numbers, mod 2^w, that unsigned integers of w bits stand for."""
    one = z.dtype.type(1)
    return np.asarray(np.where(z & one, ~(z >> one), z >> one))


def kept_array(frame: bytes, layout: int, shape: tuple[int, int], width: int, name: str) -> Any:
    """Inflate an array of a `KEPT` section and undo its layout; elements are unsigned integers."""
    content = inflate(frame, math.prod(shape) * width, name)
    check(len(content) == math.prod(shape) * width, f"{name}: not as long as the array")
    raw = np.frombuffer(content, np.uint8)
    if layout & 1:
        raw = np.ascontiguousarray(raw.reshape(width, -1).T)
    words: NDArray[Any] = raw.reshape(-1).view(f"<u{width}").reshape(shape)
    if layout & 6:
        words = unfolded(words)
    if layout & 4:
        words = np.cumsum(words, axis=0, dtype=words.dtype)
    return np.cumsum(words, axis=1, dtype=words.dtype) if layout & 2 else words


def kept_rows(
    chunk: bytes, count: int, rows: int, metadata: dict[str, Any], name: str
) -> NDArray[Any]:
    """Decode the rows of a `KEPT` section, bit for bit, as unsigned integers."""
    kept, columns = metadata["kept"], metadata["matrix"]["shape"][1]
    dtype = metadata["array"]["dtype"]
    width = 1 if dtype == "bool" else int(re.sub("[a-z]+", "", dtype, count=1)) // 8
    sparse, step = kept["form"] == "sparse", kept.get("step")
    stored = 4 if step is not None else width
    wanted = [((rows, columns), width)] if not sparse else [((1, count), 8), ((1, count), stored)]
    arrays = []
    for shape, each in wanted:
        check(len(chunk) >= 16, f"{name}, length: no room for a header")
        layout, length = chunk[0], int.from_bytes(chunk[8:16], "little")
        check(layout <= (1 if sparse else 7), f"{name}, layout: unknown bits")
        check(not any(chunk[1:8]), f"{name}, reserved: not zero")
        check(length <= len(chunk) - 16, f"{name}, length: frame ends after the section")
        arrays.append(kept_array(chunk[16 : 16 + length], layout, shape, each, name))
        chunk = chunk[16 + length :]
    check(not chunk, f"{name}, length: bytes after the last frame")
    values: NDArray[Any] = arrays[-1]
    if step is not None:
        z = values[0].astype(np.int64)
        multiples = np.where(z & 1, -(z + 1) // 2, z // 2).astype(np.float64) * step
        values = converted(multiples, dtype).view(f"<u{width}").reshape(1, -1)
    check(dtype != "bool" or not (values > 1).any(), f"{name}: bool that is neither 0 nor 1")
    if not sparse:
        return values
    result = np.zeros(rows * columns, values.dtype)
    place = -1
    for gap, value in zip(arrays[0][0].tolist(), values[0], strict=True):
        place += gap + 1
        check(place < rows * columns, f"{name}, gaps: place beyond the last row")
        result[place] = value
    return result.reshape(rows, columns)


def kept_matrix(
    data: memoryview, metadata: dict[str, Any], sections: dict[bytes, list[Section]]
) -> NDArray[Any]:
    """Read `COMP` and the `KEPT` sections of a matrix whose entries are kept."""
    kept, (n, d) = metadata["kept"], metadata["matrix"]["shape"]
    number, most = -(-n // kept["chunk_rows"]), kept["chunk_rows"]
    check(len(sections[b"KEPT"]) == number, f"KEPT: file has not {number} sections")
    (comp,) = sections[b"COMP"]
    sparse = kept["form"] == "sparse"
    check(comp.length == 8 * number * sparse, "COMP: length")
    counts = struct.unpack(f"<{number * sparse}Q", payload(data, comp)) if sparse else ()
    heights = [min(most, n - i * most) for i in range(number)]
    for count, rows in zip(counts, heights, strict=sparse):
        check(count <= rows * d, "COMP, KEPT: more entries than there is room for")
    check(not sparse or sum(counts) == kept["entries"], "COMP, KEPT: not as many entries as told")
    parts = [
        kept_rows(payload(data, section), count, rows, metadata, f"KEPT {section.ordinal}")
        for section, count, rows in zip(
            sections[b"KEPT"], counts or [0] * number, heights, strict=True
        )
    ]
    whole = np.concatenate(parts).reshape(metadata["array"]["shape"])
    dtype = metadata["array"]["dtype"]
    return np.asarray(whole.view("<V2" if dtype == "bfloat16" else np.dtype(dtype)))


def decode_file(path: str | Path, most_entries: int = 2**28) -> list[Matrix]:
    """Decode every matrix of a file.

    Parameters
    ----------
    path : str or Path
        An `.lplr` file.
    most_entries : int
        Refuse to decode more entries than this: a small file can describe huge matrices.

    Returns
    -------
    list of Matrix
        The matrices in file order.

    Raises
    ------
    LplrError
        If the file breaks a rule of the specification, or memory does not suffice.
    """
    data = memoryview(Path(path).read_bytes())
    version = file_header(data)
    entries = structure_of_a_file(data)
    most_metadata = max(MOST_METADATA, 8 * len(data))
    matrices = []
    try:
        for sections in order_of_sections(entries):
            meta = sections[b"META"][0]
            check(meta.length <= 2**20, "META: payload over 1 MiB")
            dictionary = b"" if version == (0, 1) else DICTIONARY
            most = min(2**24, most_metadata)
            text = inflate(payload(data, meta), most, "META, alone or with others", dictionary)
            most_metadata -= len(text)
            metadata = parse_json(text)
            validate(metadata, SCHEMA, later=version > VERSION)
            if version == (0, 1):
                later_than_first(metadata)
            if version < VERSION:
                later_than_1_0(metadata)
            arithmetic(metadata)
            metadata.pop("user", None)
            most_entries -= math.prod(metadata["matrix"]["shape"])
            check(most_entries >= 0, "META, matrix, shape: more entries than wanted (Security)")
            # Values too large for their type become infinite, as IEEE 754 rounds them.
            with np.errstate(all="ignore"):
                if "kept" in metadata:
                    array = kept_matrix(data, metadata, sections)
                    matrices.append(Matrix(metadata, {}, array))
                    continue
                factors = factors_of(data, metadata, sections)
                matrices.append(Matrix(metadata, factors, decoded_matrix(metadata, factors)))
    except MemoryError as error:
        raise LplrError("Security: memory does not suffice") from error
    for entry in entries:  # the checksums of those that were skipped
        payload(data, entry)
    return matrices


def main() -> int:
    """Print what the file given on the command line holds, and write the arrays if asked."""
    parser = argparse.ArgumentParser(description="Reference decoder of .lplr files.")
    parser.add_argument("file", type=Path)
    parser.add_argument("-o", metavar="OUT_PREFIX", help="write arrays to OUT_PREFIX.<i>.npy")
    arguments = parser.parse_args()
    try:
        matrices = decode_file(arguments.file)
    except (LplrError, OSError) as error:
        print(f"{arguments.file}: {error}", file=sys.stderr)
        return 1
    report = []
    for number, (metadata, factors, array) in enumerate(matrices):
        if arguments.o is not None:
            # By hand, as numpy.save would make |V2 of <V2.
            descr = "<V2" if metadata["array"]["dtype"] == "bfloat16" else array.dtype.str
            header = {"descr": descr, "fortran_order": False, "shape": array.shape}
            with Path(f"{arguments.o}.{number}.npy").open("wb") as file:
                np.lib.format.write_array_header_1_0(file, header)
                file.write(array.tobytes())
        hashes = {}
        for key, (codes, coefficients, _) in factors.items():
            codes_bytes = codes.astype(codes.dtype.newbyteorder("<")).tobytes()
            value_bytes = coefficients.astype(coefficients.dtype.newbyteorder("<")).tobytes()
            # Of entries after a transform not every digit is told.
            same = metadata["factors"][key]["transform"] == "identity"
            hashes[key] = {
                "codes_sha256": hashlib.sha256(codes_bytes).hexdigest(),
                f"{'values' if same else 'coefficients'}_sha256": hashlib.sha256(
                    value_bytes
                ).hexdigest(),
            }
        rank = len(factors["left"].codes) if "left" in factors else None
        about = {**metadata["array"], "matrix": metadata["matrix"]["shape"], "rank": rank}
        report.append({**about, "factors": hashes, **metadata["achieved"]})
    size = arguments.file.stat().st_size
    coordinates = sum(math.prod(each.array.shape) for each in matrices)
    print(json.dumps({"bits_per_coordinate": 8 * size / coordinates, "matrices": report}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
