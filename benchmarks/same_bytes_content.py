"""What an ``.lplr`` file holds, without the passes that it tells; used by ``same_bytes.py``.

A file tells in `META` how often its source was read, ``achieved.passes``. `META` is compressed, so
that another number there may change the length of `META`, the padding that follows, the offsets
of what stands after it, and the index: other bytes, though nothing else is said. Here a file is
taken apart by the reference decoder, which also demands that padding is zero and that the index
tells of all sections and of nothing else.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

DECODER = Path(__file__).parents[1] / "formats/lplr/decode.py"
"""The decoder beside this file takes the files of both versions apart."""

LENGTHS = frozenset({"section_bytes.META", "section_bytes.COMP"})
"""What `inspect` tells of the length of `META`, and of the padding behind, counted to `COMP`."""

SIZES = frozenset({"file_bytes", "bytes", "bits_per_coordinate", "compression_ratio"})
"""What is told of the size of a file, which comes in steps of 64 bytes up to the last section."""


@cache
def _decoder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference_decoder", DECODER)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def content(data: bytes) -> dict[str, Any] | None:
    """Digest of what a file holds, and apart from it the passes that it tells.

    Parameters
    ----------
    data : bytes
        Any file.

    Returns
    -------
    dict or None
        ``rest``: the SHA-256 of the version, the JSON of every `META` without
        ``achieved.passes``, and the payloads of all other sections, byte for byte; ``passes``: of
        each matrix; ``bytes``: the size. None where it is no ``.lplr`` file, or a damaged one.
    """
    if not data.startswith(b"\x89LPLR"):
        return None
    decoder, view = _decoder(), memoryview(data)
    rest: list[Any] = []
    passes = []
    try:
        version = decoder.file_header(view)
        rest.append(version)
        for section in decoder.structure_of_a_file(view):
            payload = decoder.payload(view, section)
            held: Any = hashlib.sha256(payload).hexdigest()
            if section.tag == b"META":
                dictionary = b"" if version == (0, 1) else decoder.DICTIONARY
                text = decoder.inflate(payload, decoder.MOST_METADATA, "META", dictionary)
                held = decoder.parse_json(text)
                passes.append(held["achieved"].pop("passes"))
            rest.append((section.tag.decode(), section.matrix, section.ordinal, held))
    except decoder.LplrError:
        return None
    digest = hashlib.sha256(json.dumps(rest).encode()).hexdigest()
    return {"rest": digest, "passes": passes, "bytes": len(data)}


def excused(before: dict[str, Any] | None, after: dict[str, Any] | None) -> frozenset[str]:
    """Keys of JSON that may differ as the file after tells of fewer passes, all else being equal.

    Parameters
    ----------
    before, after : dict or None
        From `content`.

    Returns
    -------
    frozenset of str
        Empty where the files differ in anything else, or a matrix tells of more passes.
    """
    if before is None or after is None or before["rest"] != after["rest"]:
        return frozenset()
    pairs = list(zip(before["passes"], after["passes"], strict=True))
    if any(old < new for old, new in pairs) or all(old == new for old, new in pairs):
        return frozenset()
    return LENGTHS if before["bytes"] == after["bytes"] else LENGTHS | SIZES
