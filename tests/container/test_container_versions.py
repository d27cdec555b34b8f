"""What versions after 0.1 brought is refused in a file of 0.1, by the name of its key."""

from __future__ import annotations

import re

import pytest
from lplr_samples import Draft, factorization, read_all, written

from lplrcli.errors import CorruptSectionError


def draft():
    return Draft(written(factorization(mode="factors+residual")))


def put(path, value):
    *parents, last = path.split(".")

    def change(document):
        for key in parents:
            document = document.setdefault(key, {})
        document[last] = value

    return change


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("plan.target.method", "rate-distortion"),
        ("plan.target.bits", None),
        ("plan.target.bits_right", None),
        ("plan.target.size", 1000),
        ("plan.target.relative_error", 0.5),
        ("plan.target.max_abs_error", 0.5),
        ("plan.target.mode", "factors"),
        ("plan.predictions", {}),
        ("plan.target.center", "both"),
        ("plan.target.passes", 2),
        ("plan.basis", "single-pass"),
        ("achieved.estimator", "gaussian-rows"),
        ("factors.left.transform", "dct"),
        ("factors.right.transform", "cdf97"),
    ],
)
def test_what_version_0_2_brought_is_refused_in_a_file_of_0_1(path, value):
    for first in (False, True):
        file = draft()
        file.edit_json(put(path, value))
        if not first:
            read_all(file.build())
            continue
        file.as_first_version()
        with pytest.raises(CorruptSectionError, match=f"{re.escape(path)}.*0.1") as caught:
            read_all(file.build())
        assert caught.value.section == "META"


@pytest.mark.parametrize("mode", ["factors", "direct"])
@pytest.mark.parametrize("quantizer", ["deadzone", "trellis"])
def test_entropy_code_is_refused_in_a_file_of_0_1(mode, quantizer):
    file = Draft(written(factorization((12, 5), (1, 1), mode, quantizer)))
    read_all(file.build())
    file.as_first_version()
    side = "left" if mode == "factors" else "residual"
    with pytest.raises(CorruptSectionError, match=rf"factors.{side}.quantizer.*0\.1"):
        read_all(file.build())


@pytest.mark.parametrize("name", ["row", "column"])
def test_means_are_refused_in_a_file_of_0_1(name):
    file = Draft(written(factorization(means=(name,))))
    read_all(file.build())
    file.as_first_version()
    with pytest.raises(CorruptSectionError, match=rf"factors.mean_{name}.*0\.1"):
        read_all(file.build())
