"""One way in for files, and one out."""

from __future__ import annotations

import io

import pytest

from lplrcli.errors import OutputError
from lplrcli.io import (
    create_sink,
)


def test_a_format_that_is_only_read():
    with pytest.raises(OutputError, match="found npz, expected npy, hdf5, mtx"):
        create_sink("npz", io.BytesIO(), (2, 2), "f4")
