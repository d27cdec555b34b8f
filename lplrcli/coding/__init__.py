"""Codings: integer codes to bytes and back, one chunk at a time.

A coding is a module in a file of its own, named once in `CODINGS`; the key is stored in the file
and described in SPEC.md, section "Codings".
"""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray

from lplrcli.coding import packed


class Coding(Protocol):
    """What a module of this package provides."""

    def encode_chunk(self, codes: list[NDArray[Any]], bits: NDArray[Any]) -> bytes:
        """Bytes of a chunk, given the codes of each component."""
        ...

    def decode_chunk(self, payload: bytes, bits: NDArray[Any], rows: int) -> list[NDArray[Any]]:
        """Codes of each component, given the bytes of a chunk."""
        ...


CODINGS: dict[str, Coding] = {"packed": packed}
