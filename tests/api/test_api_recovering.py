"""What is left of a damaged file: all entries but the lost ones, and a list of those."""

from __future__ import annotations

import numpy as np
import pytest
from lplr_samples import factorization, written

import lplrcli
from lplrcli.container.reader import open_container
from lplrcli.errors import ContainerError, InputError, PlanError
from lplrcli.model.losses import Losses


@pytest.fixture
def path(tmp_path):
    raw = written(factorization((40, 10), (3, 1)), factorization((12, 5), mode="direct"))
    (tmp_path / "a.lplr").write_bytes(raw)
    return tmp_path / "a.lplr"


def decoded(path, matrix=0):
    with lplrcli.open(path, matrix) as opened:
        return np.asarray(opened)


def hurt(path, tag, ordinal):
    """Damage the payload of a section."""
    raw = bytearray(path.read_bytes())
    with path.open("rb") as file, open_container(file, "a") as container:
        section = next(s for s in container.sections if (s.tag, s.ordinal) == (tag, ordinal))
    raw[section.offset] ^= 1
    path.write_bytes(raw)


def test_a_whole_file_loses_nothing(path):
    found = lplrcli.recover(path)
    assert found.whole
    assert (found.losses.entries, found.lost, found.damage) == (0, (), ())
    np.testing.assert_array_equal(found.array, decoded(path))
    np.testing.assert_array_equal(lplrcli.recover(str(path), matrix=1).array, decoded(path, 1))


def test_rows_of_a_lost_chunk_are_filled_and_all_others_are_there(path):
    expected = decoded(path)
    hurt(path, "LEFT", 2)  # of 8 rows
    found = lplrcli.recover(path, threads=1)
    assert not found.whole
    assert isinstance(found.losses, Losses)
    assert found.losses.rows == ((16, 24),)
    assert len(found.lost) == 1
    assert np.isnan(found.array[16:24]).all()
    for rows in (slice(None, 16), slice(24, None)):
        np.testing.assert_array_equal(found.array[rows], expected[rows])
    filled = lplrcli.recover(path, fill=-1.0, dtype=np.float64).array
    assert (filled[16:24] == -1).all()
    assert filled.dtype == np.float64


def test_what_is_wrong_with_the_index_is_told_beside_what_is_lost(path):
    expected = decoded(path)
    path.write_bytes(path.read_bytes()[:-30])
    found = lplrcli.recover(path)
    assert found.whole
    assert len(found.damage) == 1
    np.testing.assert_array_equal(found.array, expected)


def test_integers_with_lost_entries_become_a_type_that_has_nan(tmp_path):
    path = tmp_path / "i.lplr"
    path.write_bytes(written(factorization((40, 10), (3, 1), dtype="int16")))
    assert lplrcli.recover(path).array.dtype == np.int16
    hurt(path, "LEFT", 0)
    assert lplrcli.recover(path).array.dtype == np.float32
    assert lplrcli.recover(path, fill=0).array.dtype == np.int16
    with pytest.raises(PlanError):
        lplrcli.recover(path, dtype=np.int8, fill=1000)


def test_files_of_which_nothing_is_left_are_errors(path, tmp_path):
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ContainerError):
        lplrcli.recover(path)
    path.write_bytes(b"text")
    with pytest.raises(ContainerError):
        lplrcli.recover(path)
    with pytest.raises(InputError):
        lplrcli.recover(tmp_path / "none.lplr")
