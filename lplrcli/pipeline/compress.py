"""A matrix and a request to a factorization: plan, survey, predict, code, measure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from lplrcli.linalg.passes import Passes
from lplrcli.linalg.probe import Probe
from lplrcli.model.compressed import Factorization
from lplrcli.model.plan import CompressionPlan
from lplrcli.model.report import ErrorReport
from lplrcli.model.request import CompressionRequest
from lplrcli.model.source import MatrixSource
from lplrcli.pipeline.encode.factorization import Sections, assembled
from lplrcli.pipeline.engines import packed, paper
from lplrcli.pipeline.first_plan import first_plan
from lplrcli.pipeline.measure.error import measure
from lplrcli.pipeline.memory_needs import require_for_compressing
from lplrcli.planning.pass_budget import MEASURED
from lplrcli.planning.targets import require
from lplrcli.runtime.parallel import usable_cpus, work_mapped_by
from lplrcli.runtime.stages import CODE, stage

if TYPE_CHECKING:
    from lplrcli.pipeline.predict.predictions import Predictor


def compress(
    source: MatrixSource,
    request: CompressionRequest,
    *,
    threads: int | None = None,
    name: str | None = None,
    predictor: Predictor | None = None,
) -> Factorization:
    """Compress a matrix and measure the error of what decoding will give back.

    Parameters
    ----------
    source : MatrixSource
        The matrix A (n x d).
    request : CompressionRequest
        What is asked.
    threads : int, optional
        The bytes do not depend on it. All usable processors by default.
    name : str, optional
        Name that the matrix will have in the file: it counts towards the size.
    predictor : Predictor, optional
        What a choice of unfolding has found out about the matrix already.

    Raises
    ------
    PlanError
        If the options contradict each other or the matrix.
    TargetUnreachableError
        If the size or the error cannot be reached.
    InputError
        If the matrix cannot be read or holds NaN or infinity.
    """
    threads = usable_cpus() if threads is None else threads
    require(threads >= 1, "number of threads out of range", threads, "1 or more")
    plan = first_plan(request, source.shape, source.dtype)
    if predictor is not None and not plan.target.without_error:
        return coded(predictor)
    return carried_out(passes_over(source, plan, threads), plan, threads, name)


def passes_over(source: MatrixSource, plan: CompressionPlan, threads: int) -> Passes:
    """Passes over a matrix, no more than the plan allows."""
    limit = plan.target.passes
    estimated = limit is not None and limit < MEASURED
    return Passes(source, threads, limit, Probe(plan.seed) if estimated else None)


def surveyed(passes: Passes, plan: CompressionPlan, threads: int, name: str | None) -> Predictor:
    """What the rate-distortion engine knows and predicts of a matrix before it codes.

    Raises
    ------
    MemoryLimitError
        If less memory is allowed than compressing needs.
    TargetUnreachableError
        If it is plain already that the target cannot be reached.
    """
    # Imported here: the memory that the packed engine takes is counted in megabytes.
    from lplrcli.pipeline.predict.choice_of_means import chosen_predictor

    require_for_compressing(passes.source, plan, threads)
    # One BLAS thread for each of ours: two pools would fight for the processors, and the order
    # in which BLAS splits a product among its threads must not decide bytes.
    with threadpool_limits(1, "blas"), work_mapped_by(passes.source.distribute):
        return chosen_predictor(passes, plan, threads, name)


def coded(predictor: Predictor) -> Factorization:
    """The factorization that a survey leads to, measured."""
    from lplrcli.pipeline.engines import rate_distortion

    source = predictor.survey.passes.source
    with threadpool_limits(1, "blas"), work_mapped_by(source.distribute):
        return rate_distortion.factorize(predictor)


def carried_out(
    passes: Passes, plan: CompressionPlan, threads: int, name: str | None
) -> Factorization:
    """The factorization that a plan asks for, measured; several may share their `passes`."""
    source = passes.source
    if plan.target.method == "rate-distortion":
        if plan.target.without_error:
            return _without_error(passes, plan, threads, name)
        return coded(surveyed(passes, plan, threads, name))
    require_for_compressing(source, plan, threads)
    with threadpool_limits(1, "blas"), work_mapped_by(source.distribute):
        wanted = min(plan.target.rank or min(source.shape), *source.shape)
        sections, plan, bound = _factorized(passes, plan, wanted, threads)
        scan = passes.scan()
        unmeasured = ErrorReport(
            0.0, None, exact=False, source_norm=scan.source_norm, passes=0, bound=bound
        )
        factorization = assembled(source, sections, plan, unmeasured)
        return replace(factorization, report=measure(passes, factorization, scan, threads))


def _without_error(
    passes: Passes, plan: CompressionPlan, threads: int, name: str | None
) -> Factorization:
    """The least file that decodes to the matrix itself."""
    from lplrcli.pipeline.engines import lossless

    source = passes.source
    with threadpool_limits(1, "blas"), work_mapped_by(source.distribute):
        return lossless.factorize(
            source, plan, threads, name, lambda: surveyed(passes, plan, threads, name)
        )


@stage(CODE)
def _factorized(
    passes: Passes, plan: CompressionPlan, rank: int, threads: int
) -> tuple[Sections, CompressionPlan, float | None]:
    """Left, right and residual factor, the plan completed, and the theorem's bound."""
    method, bound = plan.target.method, None
    if method == "nq":
        return (None, None, paper.nq(passes, plan)), plan, None
    if method == "packed":
        left, right, basis = packed.factorize(passes, plan, rank, threads)
        plan = replace(plan, basis=basis)
        if basis == "gram":
            plan = replace(plan, sketch=None, sketch_size=None, power_iterations=None)
    elif method == "lplr":
        left, right, bound = paper.lplr(passes, plan, rank, threads)
    elif method == "lsvd":
        left, right = paper.lsvd(passes, plan, rank, threads)
    else:
        left, right = paper.dsvd(passes, plan, rank, threads)
    return (left, right, None), replace(plan, exponent=passes.scan().exponent), bound
