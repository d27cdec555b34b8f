"""Versions: what 0.2 brought, files of 0.1, and those of later minors of 1.0."""

from __future__ import annotations

import dataclasses
import io
import re

import numpy as np
import pytest
from lplr_samples import Draft, DraftSection, factorization, read_all, written
from rans_samples import rans_factor
from reference import decode, decoded

from lplrcli.container.reader import open_container
from lplrcli.errors import CorruptSectionError, UnknownSectionError
from lplrcli.model.plan import Target
from lplrcli.runtime.format_files import format_folder

HUGE = 2**63
SPEC = (format_folder() / "SPEC.md").read_text(encoding="utf-8")


def draft():
    return Draft(written(factorization(mode="factors+residual")))


def put(path, value):
    *parents, last = path.split(".")

    def change(document):
        for key in parents:
            document = document.setdefault(key, {})
        document[last] = value

    return change


def stepped(**options):
    return Draft(written(factorization((12, 5), (1, 1), "factors+residual", "trellis"), **options))


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("factors.left.quantizer", "normal", "factors.left.quantizer"),
        ("factors.residual.quantizer", "uniform", "factors.residual.quantizer"),
        ("factors.left.coding", "packed", "factors.left.quantizer"),
        ("factors.left.table_length", 0, "factors.left.table_length"),
        ("factors.left.components", 6, "factors.left.components.*at most 5"),
        ("factors.residual.components", 1, "factors.residual.length.*60"),
        ("factors.residual.components", 4, "factors.residual.components.*1 or 5"),
        ("factors.residual.components", 0, "factors.residual.components.*1 or 5"),
        ("factors.residual.length", 60, "factors.residual.length.*12"),
    ],
)
def test_arithmetic_of_factors_in_entropy_code(path, value, words):
    spoilt = stepped()
    spoilt.edit_json(put(path, value))
    with pytest.raises(CorruptSectionError, match=words):
        read_all(spoilt.build())


def test_an_entropy_coded_residual_may_be_one_component_or_one_for_each_column():
    for length, components in ((12, 5), (60, 1)):
        f = factorization((12, 5), mode="direct", quantizer="deadzone")
        residual = rans_factor(length, components, "deadzone", chunk_length=16)
        (found,) = read_all(written(dataclasses.replace(f, residual=residual)))
        assert (found.residual.length, found.residual.components) == (length, components)
    column = dataclasses.replace(f, shape=(60, 1), array_shape=(60, 1))  # both at once
    (found,) = read_all(written(dataclasses.replace(column, residual=residual)))
    assert found.residual.components == 1
    wide = factorization((12, 5), mode="direct", quantizer="deadzone")
    assert wide.residual.components == 5


def test_a_file_of_0_1_is_read():
    file = draft()
    file.as_first_version()
    assert open_container(io.BytesIO(file.build()), "x").version == (0, 1)
    read_all(file.build())


def test_a_file_of_0_1_has_no_dictionary():
    file = draft()
    payload = file["META"].payload
    file.as_first_version()
    file["META"].payload = payload
    with pytest.raises(CorruptSectionError, match="META"):
        read_all(file.build())


def test_plans_come_back_as_they_were():
    target = Target("rate-distortion", None, None, None, 10**6, 0.01, 0.5, "factors")
    f = factorization(predictions={"factors": 0.5, "lossless": 8.0})
    f = dataclasses.replace(f, plan=dataclasses.replace(f.plan, target=target))
    (found,) = read_all(written(f))
    assert found.plan == f.plan
    whole = Draft(written(f))
    whole.edit_json(put("plan.target.relative_error", 1))
    whole.edit_json(put("plan.predictions.factors", 0))
    (found,) = read_all(whole.build())
    assert type(found.plan.target.relative_error) is float
    assert type(found.plan.predictions["factors"]) is float


def test_what_was_not_asked_is_not_stored():
    plan = Draft(written(factorization())).json()["plan"]
    assert list(plan["target"]) == ["method", "rank", "bits", "bits_right"]
    assert "predictions" not in plan
    f = factorization()
    f = dataclasses.replace(f, plan=dataclasses.replace(f.plan, target=Target("nq", *[None] * 3)))
    target = Draft(written(f)).json()["plan"]["target"]
    assert target == {"method": "nq", "rank": None, "bits": None, "bits_right": None}


@pytest.mark.parametrize("key", ["relative_error", "max_abs_error", "predictions"])
def test_the_writer_refuses_numbers_that_json_has_not(key):
    f = factorization()
    if key == "predictions":
        plan = dataclasses.replace(f.plan, predictions={"direct": float("inf")})
    else:
        target = dataclasses.replace(f.plan.target, **{key: float("inf")})
        plan = dataclasses.replace(f.plan, target=target)
    with pytest.raises(CorruptSectionError, match=key):
        written(dataclasses.replace(f, plan=plan))


def later(change=lambda document: None, **options):
    """A file of a later minor of the version that is written, its metadata changed."""
    file = Draft(written(factorization(mode="factors+residual", **options)))
    file.minor = 9
    file.edit_json(change)
    return file


UNKNOWN_KEYS = ["novelty", "array.novelty", "matrix.novelty", "plan.novelty", "achieved.novelty"]
UNKNOWN_KEYS += ["plan.target.novelty", "factors.left.novelty", "source.novelty"]
UNKNOWN_KEYS += ["plan.predictions.novelty"]
INFORMATIVE = ["plan.target.method", "plan.target.mode", "plan.target.transform"]
INFORMATIVE += ["plan.target.center", "plan.basis", "plan.sketch", "achieved.estimator"]
NEEDED = ["array.dtype", "plan.mode", "factors.left.quantizer", "factors.left.coding"]
NEEDED += ["factors.left.transform", "factors.novelty"]


@pytest.mark.parametrize("path", UNKNOWN_KEYS)
def test_keys_of_a_later_minor_are_ignored(path, tmp_path):
    file = later(put(path, {"a": [None, 1.5]}))
    (found,), (plain,) = read_all(file.build()), read_all(later().build())
    assert found.report == plain.report
    with open_container(io.BytesIO(file.build()), "x") as container:
        assert "novelty" not in str(container.metadata())
    (one,), (other,) = decoded(file.build(), tmp_path), decoded(later().build(), tmp_path)
    assert np.array_equal(one.array, other.array)
    file.minor = 0
    with pytest.raises(CorruptSectionError, match="novelty"):
        read_all(file.build())
    with pytest.raises(decode.LplrError, match="novelty"):
        decoded(file.build(), tmp_path)


@pytest.mark.parametrize("path", INFORMATIVE)
def test_ids_of_a_later_minor_that_no_decoder_needs_are_accepted(path, tmp_path):
    file = later(put(path, "novelty"))
    (found,) = read_all(file.build())
    assert "novelty" in str((found.plan, found.report))
    assert decoded(file.build(), tmp_path)
    for minor, value in ((9, "\x07"), (9, 5), (0, "novelty")):
        file.minor = minor
        file.edit_json(put(path, value))
        with pytest.raises(CorruptSectionError, match=re.escape(path)):
            read_all(file.build())
        with pytest.raises(decode.LplrError, match=path.rpartition(".")[2]):
            decoded(file.build(), tmp_path)


@pytest.mark.parametrize("path", NEEDED)
def test_ids_of_a_later_minor_that_a_decoder_needs_are_refused(path, tmp_path):
    file = later(put(path, "novelty"))
    with pytest.raises(CorruptSectionError, match=path.replace(".novelty", ".*novelty")):
        read_all(file.build())
    with pytest.raises(decode.LplrError, match=path.rpartition(".")[2]):
        decoded(file.build(), tmp_path)


def test_what_a_user_keeps_stays_in_a_file_of_a_later_minor():
    user = {"novelty": {"a": [1]}}
    with open_container(io.BytesIO(later(put("user", user)).build()), "x") as container:
        assert container.metadata()["user"] == user
        assert container.version == (1, 9)


def test_reserved_fields_and_tags_of_a_later_minor_are_refused():
    for change, error in (
        ({"flags": 1}, CorruptSectionError),
        ({"reserved": b"\1" + bytes(11)}, CorruptSectionError),
        ({"sections": [DraftSection(b"NEWS"), *later().sections]}, UnknownSectionError),
    ):
        file = later()
        vars(file).update(change)
        with pytest.raises(error):
            read_all(file.build())
    file = later()
    file.sections.insert(1, DraftSection(b"nEWs", 0, 0, b"anything"))
    read_all(file.build())
