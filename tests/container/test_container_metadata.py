"""Metadata: what is described of a factorization is read back, and unfit numbers are refused."""

from __future__ import annotations

import dataclasses

import pytest
from lplr_samples import factorization, read_all
from metadata_drafts import draft

from lplrcli.container.byte_layout import VERSION
from lplrcli.container.metadata import MAX_NAME, check_metadata, describe, plan_of, report_of
from lplrcli.errors import CorruptSectionError

SAMPLE = factorization(mode="factors+residual", means=("row", "column"))
TABLES = {"left": 6, "right": 6, "residual": 3, "mean_row": 3, "mean_column": 3}


def described(f=SAMPLE, **options):
    return describe(f, TABLES, **options)


def test_arrays_of_more_axes_are_read_as_matrices():
    free = draft()
    free.edit_json(lambda d: d["array"].update(shape=[19, 2, 5]))
    read_all(free.build())
    free.edit_json(lambda d: (d["array"].update(shape=[1, 19, 2, 5]), d["matrix"].update(unfold=2)))
    read_all(free.build())


def test_plan_and_report_come_back_as_they_were():
    document = described()
    assert plan_of(document) == SAMPLE.plan
    # How many bytes were read is no property of the matrix, and is not kept.
    assert report_of(document) == dataclasses.replace(SAMPLE.report, bytes_read=None)


def test_whole_numbers_of_json_are_measures_too():
    document = described()
    document["achieved"]["source_norm"] = 12
    norm = report_of(document).source_norm
    assert (norm, type(norm)) == (12, float)
    assert type(document["achieved"]["source_norm"]) is int


def test_factors_are_described_by_their_own_numbers():
    factors = described()["factors"]
    assert set(factors) == set(SAMPLE.parts)
    for name, factor in SAMPLE.parts.items():
        record = factors[name]
        assert record.pop("table_length") == TABLES[name]
        assert record.pop("grid") == list(factor.grid)
        assert record == {key: getattr(factor, key) for key in record}
        assert {"length", "components", "quantizer", "coding", "chunk_length"} <= set(record)


def test_what_is_optional_is_there_if_it_is_given():
    assert not {"created", "user"} & set(described()) and "name" not in described()["array"]
    options = {"name": "a", "created": "2024-01-01T00:00:00Z", "user": {"x": [1, None]}}
    document = described(**options)
    assert (document["array"]["name"], document["created"], document["user"]) == tuple(
        options.values()
    )


def test_names_reach_a_terminal_without_control_characters():
    assert described(name="a\x1b[31m\ud800\x85é")["array"]["name"] == "a\ufffd[31m\ufffd\ufffdé"
    assert len(described(name="x" * (MAX_NAME + 1))["array"]["name"]) == MAX_NAME


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("key", ["source_norm", "relative_frobenius_error", "max_abs_error"])
def test_measures_are_finite(key, value):
    document = described()
    document["achieved"][key] = value
    with pytest.raises(CorruptSectionError, match=f"achieved.{key}"):
        check_metadata(document, VERSION)


def test_a_later_minor_version_may_hold_keys_that_are_ignored():
    document = described()
    extended = {**document, "news": 1}
    assert check_metadata(extended, (VERSION[0], VERSION[1] + 1)) == document
    with pytest.raises(CorruptSectionError, match="news"):
        check_metadata(extended, VERSION)
