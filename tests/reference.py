"""The reference decoder, which is no part of the package."""

from __future__ import annotations

import importlib.util

from lplrcli.runtime.format_files import format_folder


def reference_decoder():
    spec = importlib.util.spec_from_file_location("decode", format_folder() / "decode.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


decode = reference_decoder()


def decoded(raw, folder):
    """Matrices of a file of these bytes."""
    path = folder / "a.lplr"
    path.write_bytes(raw)
    return decode.decode_file(path)
