"""How a limit to the passes over a matrix is kept: what is asked less of, and what is refused."""

from __future__ import annotations

from dataclasses import replace

from lplrcli.errors import PlanError
from lplrcli.model.plan import Target

MEASURED = 3
"""The engines look for directions, project onto them and measure: with fewer passes an error is
estimated."""

_LEAST_PASSES = {"lplr": 3, "lsvd": 3, "dsvd": 2, "nq": 3}
"""Passes of the paper's methods, the measurement included."""


def within_passes(target: Target, passes: int | None) -> Target:
    """The target, with a limit to the passes.

    What the rate-distortion engine does beyond factors takes a number of passes that is not known
    beforehand, so that a limit leaves the mode ``factors``.

    Parameters
    ----------
    target : Target
        What is asked otherwise.
    passes : int or None
        The limit, if there is one.

    Raises
    ------
    PlanError
        If the target needs more passes than allowed, or an unknown number.
    """
    if passes is None:
        return target
    method = target.method
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
        return replace(target, passes=passes)
    if target.mode not in (None, "factors"):
        raise _uncounted(f"mode {target.mode}", "Leave --mode or --passes out.")
    if target.max_abs_error is not None:
        raise _uncounted("a bound for every entry", "Ask for a relative error (-e), or a size.")
    if target.relative_error == 0:
        raise _uncounted("lossless storage", "Leave --passes out.")
    if target.center is not None:
        raise _uncounted("storing means apart", "Leave --center or --passes out.")
    if passes < MEASURED:
        if target.relative_error is not None:
            raise PlanError(
                "an error can only be promised where a pass is left to measure it",
                found=f"{passes} passes",
                expected=f"{MEASURED} or more",
                advice="Ask for a size, or for a rank and bits.",
            )
        if target.rank is None:
            raise PlanError(
                f"with fewer than {MEASURED} passes the rank cannot be chosen automatically",
                found=f"{passes} passes",
                expected=f"a rank, or {MEASURED} passes or more",
                advice="Say with -r how many there may be at most.",
            )
    return replace(target, passes=passes, mode="factors")


def check_iterations(method: str, power_iterations: int | None, passes: int | None) -> None:
    """Raise `PlanError` if so many power iterations do not fit into the passes."""
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
