"""How severe raters are: from where they overlap with each other and with other evidence, shrunk towards no severity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from assessor.measurement.fusion import EvidenceRow, Hyper, fit

__all__ = ["severities"]


def severities(
    people: Sequence[Sequence[EvidenceRow]], *, hyper: Hyper | None = None
) -> dict[str, tuple[float, float]]:
    """Estimate by how many levels each rater rates above the truth: mean and standard deviation by source.

    A negative mean is a harsh rater. Given everything else the severities are the coefficients of a linear regression
    with prior N(0, severity_sd^2), in which people are independent and each person's other rows count as far as their
    fit trusts them; the posterior is exact (Rasmussen and Williams 2006, section 2.7). Raises ValueError with the
    offending value of a row.
    """
    hyper = hyper or Hyper()
    raters = sorted({row.source for rows in people for row in rows if row.instrument == "review"})
    column = {rater: index for index, rater in enumerate(raters)}
    precision = np.eye(len(raters)) / hyper.severity_sd**2
    pull = np.zeros(len(raters))
    unbiased = replace(hyper, severity_sd=0.0)  # leaves the halo of rater and person, which is not the rater's alone
    for rows in people:
        profile = fit(rows, hyper=unbiased)
        who = np.zeros((len(rows), len(raters)))
        for index, row in enumerate(profile.rows):
            if row.instrument == "review":
                who[index, column[row.source]] = 1.0
        seen = np.flatnonzero(who.any(axis=0))
        residuals, design = profile.whitened(who[:, seen])
        precision[np.ix_(seen, seen)] += design.T @ design
        pull[seen] += design.T @ residuals
    covariance = np.linalg.inv(precision)
    means, sds = covariance @ pull, np.sqrt(np.diag(covariance))
    return {rater: (float(means[index]), float(sds[index])) for rater, index in column.items()}
