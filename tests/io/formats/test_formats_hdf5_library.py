"""What the HDF5 library says of a failure, in one line."""

from __future__ import annotations

import h5py
import pytest

from lplrcli.io.formats.hdf5_library import H5_ERRORS, reason_of


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OSError(28, "No space left on device"), "No space left on device"),
        (OSError("Unable to open file\nmore\nlines"), "Unable to open file"),
        (KeyError("no such object"), "no such object"),
        (RuntimeError(), "RuntimeError"),
    ],
)
def test_the_first_line_is_given(error, text):
    assert reason_of(error) == text


def test_errors_of_the_library_are_among_those_caught(tmp_path):
    (tmp_path / "a.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    with pytest.raises(H5_ERRORS) as caught:
        h5py.File(tmp_path / "a.h5")
    assert "\n" not in reason_of(caught.value)
