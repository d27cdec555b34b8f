"""What was asked, what was chosen and why, in words: for `compress` and `inspect` alike.

All of it is told by the plan as files store it, so that nothing but this text needs loading.
"""

from __future__ import annotations

from typing import Any

from lplrcli.model.kept import KEPT_MODE

LOSSLESS = "lossless"

CENTERED = {
    "mean-row": "mean row",
    "mean-column": "mean column",
    "both": "mean row and mean column",
}
"""What is stored apart, by the name that the plan has for it."""


def target_text(target: dict[str, Any], entries: int) -> str:
    """What was asked: ``at most 91632 bytes (1 bits/coordinate), rank at most 64``."""
    parts = []
    if target.get("size") is not None:
        bpc = 8 * target["size"] / entries
        parts.append(f"at most {target['size']} bytes ({bpc:.4g} bits/coordinate)")
    if target.get("relative_error") is not None:
        parts.append(f"relative error at most {target['relative_error']:g}")
    if target.get("max_abs_error") is not None:
        parts.append(f"no entry off by more than {target['max_abs_error']:g}")
    if target.get("rank") is not None:
        parts.append(f"rank at most {target['rank']}")
    bits, bits_right = target.get("bits"), target.get("bits_right")
    if bits is not None and target["method"] == "nq":
        parts.append(f"{bits} bits per entry")
    elif bits is not None:
        right = "" if bits_right in (None, bits) else f" left, {bits_right} right"
        parts.append(f"{bits} bits per factor entry{right}")
    if target.get("mode") is not None:
        parts.append(f"mode {target['mode']}")
    if target.get("transform") is not None:
        parts.append(f"transform {target['transform']}")
    if target.get("center") is not None:
        parts.append(f"{CENTERED[target['center']]} stored apart")
    if target.get("passes") is not None:
        parts.append(f"{counted(target['passes'], 'pass')} at most")
    return ", ".join(parts)


def counted(number: int, what: str) -> str:
    """``1 pass``, ``2 passes``."""
    return f"{number} {what}" if number == 1 else f"{number} {what}es"


def estimator_text(estimator: str | None) -> str | None:
    """How an error was estimated; None where it was not."""
    if estimator is None:
        return None
    return (
        "error estimated, as no pass was left to measure it: from 20 Gaussian combinations of rows "
        "(Tropp, Yurtsever, Udell and Cevher 2019, section 6), standard deviation at most 16 % of "
        "it"
    )


def reason_text(plan: dict[str, Any], relative_error: float) -> str | None:
    """Why the mode was chosen: what each mode had been predicted to reach; None if nothing was.

    Parameters
    ----------
    plan : dict
        As the metadata of a file or `dataclasses.asdict` has it.
    relative_error : float
        That was measured.
    """
    predictions = plan.get("predictions")
    if not predictions:
        return None
    chosen = plan["mode"]
    if LOSSLESS in predictions and chosen == "direct" and relative_error == 0:
        chosen = LOSSLESS
    sized = plan["target"].get("size") is not None
    told = [
        f"{mode} {value:.4g}{' (chosen)' if mode == chosen else ''}"
        for mode, value in sorted(predictions.items(), key=_order)
    ]
    what = "predicted error at this size" if sized else "predicted bits/coordinate at this error"
    return f"{what}: {', '.join(told)}"


def _order(prediction: tuple[str, float]) -> int:
    order = ("factors", "factors+residual", "direct", LOSSLESS)
    return order.index(prediction[0]) if prediction[0] in order else len(order)


def reached_text(target: dict[str, Any], relative_error: str, max_abs_error: float | None) -> str:
    """The error, and the target if it was one: ``error 0.0098 (target 0.01)``."""
    if target.get("relative_error") is not None:
        return f"error {relative_error} (target {target['relative_error']:g})"
    if target.get("max_abs_error") is not None and max_abs_error is not None:
        largest = f"largest {max_abs_error:.4g} (target {target['max_abs_error']:g})"
        return f"error {relative_error}, {largest}"
    return f"error {relative_error}"


def mode_text(method: str, mode: str, rank: int) -> str:
    """``rank 12``, with the mode where it is not plain: ``mode factors+residual, rank 12``."""
    if mode in ("direct", KEPT_MODE):
        return f"mode {mode}"
    if method == "rate-distortion":
        return f"mode {mode}, rank {rank}"
    return f"rank {rank}"


def basis_text(plan: dict[str, Any]) -> str | None:
    """How the singular directions were found."""
    if plan["basis"] == "gram":
        return "exact spectrum from the Gram matrix (cheap: the matrix has few columns)"
    if plan["basis"] == "single-pass":
        return f"single pass: {plan['sketch']} sketch of {plan['sketch_size']} columns, " + (
            f"as many rows, and their core, seed {plan['seed']}"
        )
    if plan["basis"] == "sketch":
        return (
            f"{plan['sketch']} sketch of {plan['sketch_size']} columns, "
            f"{plan['power_iterations']} power iterations, seed {plan['seed']}"
        )
    return None
