"""The public Python interface: one function a file, and what they give back."""

from __future__ import annotations

from lplrcli.api.appending import append
from lplrcli.api.compressing import compress
from lplrcli.api.matrix import CompressedMatrix
from lplrcli.api.opening import open  # noqa: A004
from lplrcli.api.recovering import recover
from lplrcli.api.verifying import verify

__all__ = ["CompressedMatrix", "append", "compress", "open", "recover", "verify"]
