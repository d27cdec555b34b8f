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
CHUNK_TAGS = {"left": b"LEFT", "right": b"RGHT", "residual": b"RESD"}
ORDER = (b"META", b"COMP", *CHUNK_TAGS.values())
MODES = {"factors": "left right", "direct": "residual", "factors+residual": "left residual right"}
SCHEMA = json.loads(Path(__file__).with_name("metadata.schema.json").read_text("utf-8"))
CODEBOOKS = json.loads(Path(__file__).with_name("normal_codebooks.json").read_text("utf-8"))
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
    """Codes of a factor and their values, one row per component."""

    codes: NDArray[np.uint16]
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


def file_header(data: memoryview) -> None:
    """Check signature, checksum and version, in this order."""
    check(bytes(data[:8]) == b"\x89LPLR\r\x1a\n", "File header, signature: not an .lplr file")
    check(len(data) >= 32, "File header: file is truncated")
    _, major, minor, flags, reserved, checksum = struct.unpack_from("<8sHHI12sI", data)
    check(zlib.crc32(data[:28]) == checksum, "File header, header checksum: mismatch")
    needed = f"file needs a reader of version {major}.{minor}, this one reads 0.1"
    check((major, minor) == (0, 1), f"File header, major, minor: {needed}")
    check(flags == 0 and not any(reserved), "File header, flags, reserved: not zero")


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
        check(tag.isalpha() and tag[1:].isupper(), f"{name}, tag: not letters in the case reserved")
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


def inflate(frame: bytes) -> bytes:
    """Inflate the Zstandard frame of `META`; its header is RFC 8878, section 3.1.1.1."""
    check(len(frame) <= 2**20, "META: payload over 1 MiB")
    check(frame[:4] == b"\x28\xb5\x2f\xfd" and len(frame) > 5, "META: not a Zstandard frame")
    single, id_length = frame[4] >> 5 & 1, (0, 1, 2, 4)[frame[4] & 3]
    size_length = (single, 2, 4, 8)[frame[4] >> 6]
    at = 6 - single + id_length
    check(size_length > 0, "META: frame does not state its content size")
    check(not any(frame[at - id_length : at]), "META: frame uses a dictionary")
    size = int.from_bytes(frame[at : at + size_length], "little") + 256 * (size_length == 2)
    window = size if single else (8 + (frame[5] & 7)) << (7 + (frame[5] >> 3))
    check(max(size, window) <= 2**24, "META: content or window over 16 MiB")
    try:
        if zstd.__name__ == "zstandard":
            content: bytes = zstd.ZstdDecompressor().decompress(frame, allow_extra_data=False)
        else:
            decompressor = zstd.ZstdDecompressor()
            content = decompressor.decompress(frame, max_length=size + 1)
            check(decompressor.eof and not decompressor.unused_data, "META: not one whole frame")
    except zstd.ZstdError as error:
        raise LplrError(f"META: {error}") from error
    check(len(content) == size, "META: content is not of the size that the frame states")
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


def validate(value: Any, schema: dict[str, Any], name: str = "META") -> None:
    """Check a value against the part of JSON Schema draft 4 that the metadata schema uses."""
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
            validate(each, schema.get("items", {}), name)
    elif isinstance(value, dict):
        properties = schema.get("properties", {})
        missing = set(schema.get("required", ())) - value.keys()
        check(not missing, f"{name}: {sorted(missing)} missing")
        check(len(value) >= schema.get("minProperties", 0), f"{name}: empty")
        unknown = value.keys() - properties.keys() if "additionalProperties" in schema else set()
        check(not unknown, f"{name}: {ascii(min(unknown, default=''))[:99]} unknown")
        for key in properties.keys() & value.keys():
            validate(value[key], properties[key], f"{name}, {key}")


def arithmetic(meta: dict[str, Any]) -> None:
    """Check the rules of `META` between fields; Python's integers do not overflow."""
    n, d = meta["matrix"]["shape"]
    shape, unfold = meta["array"]["shape"], meta["matrix"]["unfold"]
    check(n * d < 2**63, "META, matrix, shape: product over 2^63 - 1")
    check(unfold <= len(shape), "META, matrix, unfold: more than there are axes")
    rows, columns = math.prod(shape[:unfold]), math.prod(shape[unfold:])
    check((rows, columns) == (n, d), "META, matrix, unfold: array shape does not give matrix shape")
    factors, mode = meta["factors"], meta["plan"]["mode"]
    check(" ".join(sorted(factors)) == MODES[mode], "META, plan, mode: factors do not agree")
    for key, factor in factors.items():
        name, count = f"META, factors, {key}", factor["components"]
        length = {"left": n, "right": d, "residual": n * d}[key]
        equal = 1 if key == "residual" else factors["left"]["components"]
        check(factor["length"] == length, f"{name}, length: not {length}")
        check(count == equal, f"{name}, components: not {equal}")
        check(math.prod(factor["grid"]) == length, f"{name}, grid: product is not the length")
        table_length = count + (16 if factor["quantizer"] == "uniform" else 2 * count)
        check(factor["table_length"] == table_length, f"{name}, table_length: not {table_length}")


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


def factors_of(
    data: memoryview, metadata: dict[str, Any], sections: dict[bytes, list[Section]]
) -> dict[str, Factor]:
    """Read `COMP`, decode the chunks and dequantize them."""
    described = metadata["factors"]
    (comp,) = sections[b"COMP"]
    check(comp.length == sum(each["table_length"] for each in described.values()), "COMP: length")
    tables = payload(data, comp)
    factors: dict[str, Factor] = {}
    for key, tag in CHUNK_TAGS.items():
        factor = described.get(key, {"length": 0, "chunk_length": 8, "components": 0})
        length, chunk_length = factor["length"], factor["chunk_length"]
        demanded = -(-length // chunk_length) if factor["components"] else 0
        check(len(sections[tag]) == demanded, f"{tag!r}: file has not {demanded} sections")
        if key not in described:
            continue
        table, tables = tables[: factor["table_length"]], tables[factor["table_length"] :]
        bits, side = list(table[: factor["components"]]), table[factor["components"] :]
        name = f"COMP, {key}"
        check(all(1 <= each <= 16 for each in bits), f"{name}, bits: not 1 to 16")
        chunks = [np.zeros((len(bits), 0 if bits else length), np.uint16)]
        for section in sections[tag]:
            rows = min(length - section.ordinal * chunk_length, chunk_length)
            label = f"{tag!r} {section.ordinal} of matrix {section.matrix}"
            chunks.append(packed(payload(data, section), rows, bits, label))
        codes = np.concatenate(chunks, axis=1)
        quantizer = {"uniform": uniform, "normal": normal}[factor["quantizer"]]
        factors[key] = Factor(codes, quantizer(codes, bits, side, name))
    return factors


def decoded_matrix(metadata: dict[str, Any], factors: dict[str, Factor]) -> NDArray[Any]:
    """Return 2^exponent (L R + E), computed in binary64, in the type and shape of the array."""
    dtype, shape = metadata["array"]["dtype"], metadata["array"]["shape"]
    result = np.zeros(metadata["matrix"]["shape"])
    if "left" in factors:
        result += factors["left"].values.T.astype(np.float64) @ factors["right"].values
    if "residual" in factors:
        result += factors["residual"].values.reshape(result.shape)
    # The power alone may overflow where the product does not.
    result = np.ldexp(result, metadata["plan"]["exponent"]).reshape(shape)
    if dtype == "bool":
        return np.asarray(result >= 0.5)
    if dtype == "bfloat16":
        largest = float(np.uint32(0x7F7F0000).view(np.float32))
        pattern = np.clip(result, -largest, largest).astype(np.float32).view(np.uint32)
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
    file_header(data)
    entries = structure_of_a_file(data)
    matrices = []
    try:
        for sections in order_of_sections(entries):
            metadata = parse_json(inflate(payload(data, sections[b"META"][0])))
            validate(metadata, SCHEMA)
            arithmetic(metadata)
            metadata.pop("user", None)
            most_entries -= math.prod(metadata["matrix"]["shape"])
            check(most_entries >= 0, "META, matrix, shape: more entries than wanted (Security)")
            # Values too large for their type become infinite, as IEEE 754 rounds them.
            with np.errstate(all="ignore"):
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
        for key, (codes, values) in factors.items():
            value_bytes = values.astype(values.dtype.newbyteorder("<")).tobytes()
            hashes[key] = {
                "codes_sha256": hashlib.sha256(codes.astype("<u2").tobytes()).hexdigest(),
                "values_sha256": hashlib.sha256(value_bytes).hexdigest(),
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
