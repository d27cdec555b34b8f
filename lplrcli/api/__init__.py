"""The public Python interface: compress, append, open, and what they give back."""

from __future__ import annotations

from lplrcli.api.appending import append
from lplrcli.api.compressing import compress
from lplrcli.api.matrix import CompressedMatrix
from lplrcli.api.opening import open  # noqa: A004

__all__ = ["CompressedMatrix", "append", "compress", "open"]
