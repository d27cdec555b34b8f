"""Options of a compression: which of them are goals, and the method that they stand for."""

from __future__ import annotations

import dataclasses
import inspect

import pytest

import lplrcli
from lplrcli.model.plan import METHODS
from lplrcli.model.request import CompressionRequest

GOALS = {"bpc": 2.0, "ratio": 8.0, "size": 1000, "rel_error": 0.0, "max_abs_error": 0.5}


def test_goals_are_what_is_asked_by_the_name_of_its_option():
    assert CompressionRequest(rank=4, bits=2).goals == {}
    assert CompressionRequest(**GOALS).goals == GOALS
    for name, value in GOALS.items():
        assert CompressionRequest(rank=3, **{name: value}).goals == {name: value}


@pytest.mark.parametrize("goal", GOALS)
def test_a_size_or_an_error_stands_for_rate_distortion(goal):
    assert CompressionRequest(**{goal: GOALS[goal]}).chosen_method == "rate-distortion"


def test_a_rank_alone_stands_for_packed():
    assert CompressionRequest(rank=4).chosen_method == "packed"


@pytest.mark.parametrize("method", METHODS)
def test_a_method_that_is_named_is_taken(method):
    assert CompressionRequest(method=method).chosen_method == method
    assert CompressionRequest(method=method, size=100).chosen_method == method


def test_every_option_is_one_of_the_python_interface_too():
    options = {field.name for field in dataclasses.fields(CompressionRequest)}
    assert options <= set(inspect.signature(lplrcli.compress).parameters)
