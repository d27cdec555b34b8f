"""Numbers of Matrix Market texts, spelled as SciPy reads them.

Other programs write a sign before positive numbers, and integers with a point and zeros.
"""

from __future__ import annotations

import io
import re
from typing import Any

_PIECE = 1 << 20
_SIGN = re.compile(rb"(?<![^\s])\+(?=[0-9.iInN])")
_ZEROS = re.compile(rb"(?<=[0-9])\.0*(?![^\s])")
_SPACES = b" \t\r\n"


def plain_numbers(text: Any, field: str) -> io.BufferedReader:
    """Give the entries of a text without signs of positive numbers and ``.0`` of integers.

    Each piece has as many bytes as it had, and line ends where they were; so line numbers in
    messages are right.

    Parameters
    ----------
    text : binary file
        Behind the header.
    field : str
        Field of the banner.
    """
    return io.BufferedReader(_Respelled(text, field), _PIECE)


class _Respelled(io.RawIOBase):
    """Text whose numbers are respelled piece by piece."""

    def __init__(self, text: Any, field: str) -> None:
        self._text = text
        self._integers = field not in ("real", "pattern")
        self._ready = b""
        self._rest = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready and not self._ended:
            self._fill()
        piece, self._ready = self._ready[: len(buffer)], self._ready[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)

    def _fill(self) -> None:
        """Respell all whole numbers of the next piece."""
        piece = self._text.read(_PIECE)
        self._ended = not piece
        piece = self._rest + piece
        # A number ends where a space stands; one that is longer than a piece is none.
        end = len(piece)
        if not self._ended and end <= 2 * _PIECE:
            end = max(piece.rfind(bytes([space])) for space in _SPACES) + 1
        whole, self._rest = piece[:end], piece[end:]
        if b"+" in whole:
            whole = _SIGN.sub(b" ", whole)
        if self._integers and b"." in whole:
            whole = _ZEROS.sub(lambda zeros: b" " * len(zeros.group()), whole)
        self._ready = whole
