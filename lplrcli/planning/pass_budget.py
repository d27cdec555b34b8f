"""How a limit to the passes over a matrix is kept: what is asked less of, and what is refused."""

from __future__ import annotations

from lplrcli.errors import PlanError
from lplrcli.model.request import CompressionRequest

MEASURED = 3
"""The engines look for directions, project onto them and measure: with fewer passes an error is
estimated."""

_LEAST_PASSES = {"lplr": 3, "lsvd": 3, "dsvd": 2, "nq": 3}
"""Passes of the paper's methods, the measurement included."""


def check_passes(request: CompressionRequest) -> None:
    """Refuse a limit to the passes that what is asked cannot keep.

    What the rate-distortion engine does beyond factors takes a number of passes that is not known
    beforehand, so that a limit leaves the mode ``factors``.

    Raises
    ------
    PlanError
        If the limit is less than what is asked needs, or that number is unknown.
    """
    passes, method = request.passes, request.chosen_method
    if passes is None:
        return
    least = _LEAST_PASSES.get(method, 1)
    if passes < least:
        raise PlanError(
            f"method {method} takes {least} passes over the data, the measurement included"
            if method in _LEAST_PASSES
            else "number of passes out of range",
            found=passes,
            expected=f"{least} or more",
        )
    if method != "rate-distortion":
        return
    if request.mode not in (None, "factors"):
        raise _uncounted(f"mode {request.mode}", "Leave --mode or --passes out.")
    if request.max_abs_error is not None:
        raise _uncounted("a bound for every entry", "Ask for a relative error (-e), or a size.")
    if request.rel_error == 0:
        raise _uncounted("lossless storage", "Leave --passes out.")
    if request.center not in (None, "none"):
        raise _uncounted("storing means apart", "Leave --center or --passes out.")
    if passes < MEASURED:
        if request.rel_error is not None:
            raise PlanError(
                "an error can only be promised where a pass is left to measure it",
                found=f"{passes} passes",
                expected=f"{MEASURED} or more",
                advice="Ask for a size, or for a rank and bits.",
            )
        if request.rank is None:
            raise PlanError(
                f"with fewer than {MEASURED} passes the rank cannot be chosen automatically",
                found=f"{passes} passes",
                expected=f"a rank, or {MEASURED} passes or more",
                advice="Say with -r how many components there may be at most.",
            )


def check_iterations(method: str, power_iterations: int | None, passes: int | None) -> None:
    """Raise `PlanError` if the power iterations asked for do not fit into the passes."""
    if passes is None or power_iterations is None:
        return
    if method != "lplr" and passes == 1:
        raise PlanError("a single pass has no power iterations", found=power_iterations)
    # Without a measurement, where there is no pass for one, there is room for an iteration.
    beside = 3 if method == "lplr" else 2 if passes >= MEASURED else 1
    if power_iterations + beside > passes:
        raise PlanError(
            "the passes are too few for the power iterations",
            found=f"{power_iterations} power iterations, {passes} passes",
            expected=f"at most {passes - beside}, or {power_iterations + beside} passes",
        )


def iterations_within(passes: int | None, wanted: int) -> int:
    """Power iterations that the engines make: as many as wanted, if the passes suffice."""
    return wanted if passes is None else max(1, min(wanted, passes - 2))


def _uncounted(what: str, advice: str) -> PlanError:
    return PlanError(
        f"{what} takes passes over the data that cannot be counted beforehand", advice=advice
    )
