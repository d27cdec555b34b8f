"""Versions: what 0.2 brought, files of 0.1, and those of later minors of 1.0."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import io
import re
import tomllib

import numpy as np
import pytest
import zstandard
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


def test_the_dictionary_is_the_one_that_the_specification_pins():
    content = (format_folder() / "metadata.dict").read_bytes()
    paragraph = re.search(r"(?s)\*\*Dictionary\.\*\*(.*?)\n\n", SPEC)[1]
    assert hashlib.sha256(content).hexdigest() in paragraph
    assert f"{len(content)} of them" in paragraph


def test_the_dictionary_is_what_its_script_prints():
    path = format_folder() / "make_dictionary.py"
    spec = importlib.util.spec_from_file_location("make_dictionary", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.dictionary().encode() == (format_folder() / "metadata.dict").read_bytes()


def test_the_dictionary_is_shipped():
    project = format_folder().parents[1] / "pyproject.toml"
    if not project.exists():  # of an installed package: the folder is the one in the wheel
        assert (format_folder() / "metadata.dict").exists()
        return
    wheel = tomllib.loads(project.read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["force-include"]["formats"] == "lplrcli/_formats"
    ignored = (project.parent / ".gitignore").read_text().split()
    assert not any("dict" in pattern for pattern in ignored)


@pytest.mark.parametrize("mode", ["factors", "direct", "factors+residual"])
@pytest.mark.parametrize("quantizer", ["uniform", "normal", "deadzone", "trellis"])
def test_the_dictionary_makes_metadata_small(mode, quantizer):
    file = Draft(written(factorization((200, 30), (4, 4), mode, quantizer)))
    with_dictionary = len(file["META"].payload)
    file.as_first_version()
    assert with_dictionary < 140 < len(file["META"].payload) / 2


def test_metadata_need_not_refer_to_the_dictionary():
    file = draft()
    document = file.json()
    file.edit_json(lambda d: None)  # compresses anew, without it
    assert file.json() == document
    read_all(file.build())


def test_a_frame_names_no_dictionary():
    payload = draft()["META"].payload
    assert zstandard.get_frame_parameters(payload).dict_id == 0
    assert payload[4] & 3 == 0  # not even by an explicit 0


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
