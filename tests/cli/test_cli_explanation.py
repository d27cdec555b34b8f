"""What was asked and chosen, in words: every number that was asked for is in them."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from lplrcli.cli import explanation
from lplrcli.model.plan import CENTERS, CompressionPlan, Target

NOTHING = {"rank": None, "bits": None, "bits_right": None}


def target(method="rate-distortion", **asked):
    return asdict(Target(method, **{**NOTHING, **asked}))


def plan(asked, mode="factors", predictions=None, basis="sketch"):
    made = CompressionPlan(
        Target("nq", None, None, None), mode, basis, "srht", 24, 2, 7, predictions=predictions
    )
    return {**asdict(made), "target": asked}


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"size": 1000}, ["1000 bytes", "4 bits/coordinate"]),
        ({"relative_error": 0.01}, ["0.01"]),
        ({"max_abs_error": 0.5}, ["0.5"]),
        ({"size": 1000, "rank": 17}, ["1000", "rank at most 17"]),
        ({"bits": 3, "bits_right": 3, "rank": 2}, ["3 bits per factor entry"]),
        ({"bits": 3, "bits_right": 5, "rank": 2}, ["3 bits", "left, 5 right"]),
        ({"size": 9, "mode": "direct"}, ["mode direct"]),
        ({"size": 9, "transform": "dct"}, ["transform dct"]),
        ({"size": 9, "passes": 1}, ["1 pass at most"]),
        ({"size": 9, "passes": 2}, ["2 passes at most"]),
        ({"size": 9, "center": "mean-row"}, ["mean row stored apart"]),
    ],
)
def test_everything_asked_is_told(asked, words):
    text = explanation.target_text(target(**asked), 2000)
    for word in words:
        assert word in text
    assert "None" not in text


def test_bits_of_a_matrix_are_per_entry():
    text = explanation.target_text(target("nq", bits=3, bits_right=3), 10)
    assert text == "3 bits per entry"


def test_every_choice_of_means_that_is_stored_has_words():
    assert explanation.CENTERED.keys() == set(CENTERS) - {"none", "auto"}


def test_predictions_are_told_with_the_one_chosen():
    predictions = {"direct": 0.5, "factors": 0.25, "factors+residual": 0.125}
    text = explanation.reason_text(plan(target(size=9), predictions=predictions), 0.25)
    assert "error" in text
    assert text.index("factors 0.25 (chosen)") < text.index("factors+residual 0.125")
    assert text.index("factors+residual") < text.index("direct 0.5")
    assert text.count("(chosen)") == 1
    assert explanation.reason_text(plan(target(size=9)), 0.25) is None


def test_a_lossless_result_was_chosen_as_such():
    made = plan(target(relative_error=0.0), "direct", {"direct": 9.0, "lossless": 8.0})
    assert "lossless 8 (chosen)" in explanation.reason_text(made, 0)
    assert "direct 9 (chosen)" in explanation.reason_text(made, 1e-9)


@pytest.mark.parametrize(
    ("asked", "largest", "text"),
    [
        ({"size": 9}, None, "error 0.1"),
        ({"relative_error": 0.2}, None, "error 0.1 (target 0.2)"),
        ({"max_abs_error": 0.5}, 0.25, "error 0.1, largest 0.25 (target 0.5)"),
        ({"max_abs_error": 0.5}, None, "error 0.1"),
    ],
)
def test_what_was_reached_stands_beside_what_was_asked(asked, largest, text):
    assert explanation.reached_text(target(**asked), "0.1", largest) == text


def test_modes_are_told_where_they_are_not_plain():
    assert explanation.mode_text("packed", "factors", 12) == "rank 12"
    assert explanation.mode_text("nq", "direct", 0) == "mode direct"
    text = explanation.mode_text("rate-distortion", "factors+residual", 12)
    assert text == "mode factors+residual, rank 12"


def test_how_directions_were_found_is_told_with_its_numbers():
    for basis in ("sketch", "single-pass"):
        text = explanation.basis_text(plan(target(size=9), basis=basis))
        assert "srht sketch of 24 columns" in text
        assert "seed 7" in text
    assert "exact" in explanation.basis_text(plan(target(size=9), basis="gram"))
    assert explanation.basis_text(plan(target(size=9), basis="none")) is None


def test_an_estimate_tells_its_standard_deviation():
    from lplrcli.linalg.probe import TEST_ROWS

    text = explanation.estimator_text("gaussian-rows")
    assert f"{TEST_ROWS} Gaussian" in text
    assert f"{100 / (2 * TEST_ROWS) ** 0.5:.0f} %" in text
    assert explanation.estimator_text(None) is None
