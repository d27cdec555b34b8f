"""The payload of a ``META`` section: one bounded zstd frame of bounded JSON."""

from __future__ import annotations

import json
import math
import re
from itertools import accumulate
from typing import Any, NoReturn

from lplrcli.container.byte_layout import FIRST_VERSION, METADATA
from lplrcli.container.zstd_frames import deflate, inflate, metadata_dictionary
from lplrcli.errors import CorruptSectionError

MAX_COMPRESSED = 1 << 20
MAX_INFLATED = 16 << 20
MAX_DEPTH = 32
MAX_STRUCTURE = 1 << 20
"""Most brackets, braces and commas outside strings: they bound the objects JSON turns into."""
MAX_INTEGER_DIGITS = 20

_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_ZEROS = bytes.maketrans(b"123456789", b"0" * 9)
_NOT_STRUCTURE = bytes(set(range(256)) - set(b"[]{},"))
_NESTING = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1, ord(","): 0}


def compress_text(document: dict[str, Any]) -> bytes:
    """Return the payload for a valid metadata document; equal documents give equal bytes."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    raw = text.encode("utf-8")
    payload = deflate(raw, metadata_dictionary())
    if len(raw) > MAX_INFLATED or len(payload) > MAX_COMPRESSED:
        _refuse("too long", f"{len(payload)} bytes", f"at most {MAX_COMPRESSED}")
    return payload


def parse_text(payload: bytes, version: tuple[int, int]) -> Any:
    """Inflate and parse the payload of a ``META`` section in a file of `version`.

    Raises
    ------
    CorruptSectionError
        Not one exact zstd frame, too large, too deep, not strict JSON.
    """
    if len(payload) > MAX_COMPRESSED:
        _refuse("too long", f"{len(payload)} bytes", f"at most {MAX_COMPRESSED}")
    # The first version compressed its metadata without one.
    dictionary = None if version == FIRST_VERSION else metadata_dictionary()
    raw = inflate(
        payload, most=MAX_INFLATED, name="metadata", section=METADATA, dictionary=dictionary
    )
    _check_structure(raw)
    try:
        return json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_unique,
            # Mostly none can be too long, and the parser need not ask about every one.
            parse_int=_integer if b"0" * MAX_INTEGER_DIGITS in raw.translate(_ZEROS) else int,
            parse_float=_real,
            parse_constant=_constant,
        )
    except CorruptSectionError:
        raise
    except UnicodeDecodeError as error:
        _refuse("not UTF-8", f"byte {raw[error.start]:#04x} at {error.start}", "UTF-8")
    except json.JSONDecodeError as error:
        _refuse("not JSON", f"{error.msg}, at character {error.pos}", "a JSON text")


def _check_structure(raw: bytes) -> None:
    # Before the parser runs, since what it builds is many times larger than the text.
    structure = _STRINGS.sub(b"", raw).translate(None, _NOT_STRUCTURE)
    if len(structure) > MAX_STRUCTURE:
        _refuse("too many values", len(structure), f"at most {MAX_STRUCTURE} of [ ] {{ }} ,")
    depth = max(accumulate(map(_NESTING.__getitem__, structure)), default=0)
    if depth > MAX_DEPTH:
        _refuse("nested too deep", depth, f"at most {MAX_DEPTH}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                _refuse("duplicate key", ascii(key[:64]), "each key once")
            seen.add(key)
    return record


def _integer(digits: str) -> int:
    if len(digits) > MAX_INTEGER_DIGITS:
        _refuse("integer too long", digits[:24], f"at most {MAX_INTEGER_DIGITS} characters")
    return int(digits)


def _real(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        _refuse("number out of range", digits[:24], "a finite number")
    return value


def _constant(name: str) -> NoReturn:
    _refuse("not JSON: constant", name, "a finite number")


def _refuse(what: str, found: object, expected: object) -> NoReturn:
    raise CorruptSectionError(f"metadata: {what}", section=METADATA, found=found, expected=expected)
