"""Few rows, few columns, axes of one layer: what the shape is called takes no bytes."""

import numpy as np
import pytest

import lplrcli

GRANULE = 64


def noise(rows, columns):
    return np.random.default_rng(rows).standard_normal((rows, columns)).astype(np.float32)


def smooth(rows, columns):
    x = np.arange(columns)
    waves = [np.sin(x / (200 + 31 * k)) + 0.5 * np.cos(x / (37 + k)) for k in range(rows)]
    return np.array(waves, np.float32)


def file_bytes(a, **target):
    found = lplrcli.compress(a, **target)
    assert np.asarray(found).shape == a.shape
    return found.size_report.file_bytes


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 15, 20])
@pytest.mark.parametrize("matrix", [noise, smooth])
def test_a_matrix_of_few_rows_takes_what_its_transpose_takes(matrix, rows):
    a = matrix(rows, 4000)
    one, other = file_bytes(a, rel_error=0.01), file_bytes(a.T.copy(), rel_error=0.01)
    assert abs(one - other) <= max(0.03 * other, GRANULE)


@pytest.mark.parametrize("rows", [1, 3])
def test_predictions_of_few_rows_are_not_below_what_is_reached(rows):
    found = lplrcli.compress(noise(rows, 20000), bpc=2)
    predicted = found.plan.predictions[found.plan.mode]
    assert predicted == pytest.approx(found.report.relative_frobenius_error, rel=0.15)


@pytest.mark.parametrize("shape", [(1, 60, 80), (60, 1, 80), (60, 80, 1), (1, 1, 60, 80)])
@pytest.mark.parametrize("target", [{"rel_error": 1e-4}, {"max_abs_error": 1e-3}])
def test_axes_of_one_layer_take_nothing(shape, target):
    y, x = np.mgrid[:60, :80]
    a = (np.sin(x / 9) * np.cos(y / 13) + x / 50).astype(np.float32)
    one, other = file_bytes(a.reshape(shape), **target), file_bytes(a, **target)
    assert one <= 1.03 * other + 2 * GRANULE


def test_integers_in_few_rows_are_kept_exactly_in_one_run():
    a = np.random.default_rng(0).poisson(3, (3, 20000)).astype(np.uint16)
    found = lplrcli.compress(a, rel_error=0)
    assert np.array_equal(np.asarray(found), a)
    assert found.size_report.file_bytes <= 1.03 * file_bytes(a.T.copy(), rel_error=0) + GRANULE
    assert np.array_equal(found[1:2, 5000:5010], a[1:2, 5000:5010])


def test_one_snapshot_follows_snapshots_and_others_follow_one(tmp_path):
    draw = np.random.default_rng(0)
    for first, more in ((30, 1), (1, 30)):
        a, b = (draw.standard_normal((count, 8, 10)).astype(np.float32) for count in (first, more))
        path = tmp_path / f"{first}.lplr"
        lplrcli.compress(a, rank=5).save(path)
        lplrcli.append(path, b, rel_error=1.0)
        with lplrcli.open(path) as found:
            assert np.asarray(found).shape == (31, 8, 10)
