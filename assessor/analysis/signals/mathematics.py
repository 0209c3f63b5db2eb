"""Layer 1: tests, distributions, decompositions and measures of information that own code computes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assessor.analysis.facts.model import Call
from assessor.analysis.findings import Finding, Setting, Strength
from assessor.analysis.project import Project
from assessor.analysis.signals.lazy import Lazy
from assessor.analysis.signals.sites import Body, Code, at_call, at_place, code_of, first_of_each_scope, setting_of

__all__ = ["information_measures", "linear_algebra_code", "probability_code", "statistical_test"]

ARRAYS = frozenset(
    {
        "numpy",
        "scipy",
        "torch",
        "tensorflow",
        "jax",
        "pandas",
        "polars",
        "cupy",
        "statistics",
        "math",
        "sklearn",
        "keras",
        "autograd",
        "mxnet",
        "paddle",
    }
)
TEST_ROOTS = (
    "scipy",
    "statsmodels",
    "pingouin",
    "arch",
    "mlxtend",
    "lifelines",
    "scikit_posthocs",
    "autorank",
    "deepsig",
    "causalimpact",
    "sklearn",
    "pymannkendall",
    "hypothetical",
    "spotify_confidence",
    "confseq",
)
TESTED = Lazy(
    r"scipy\.stats\.(?:\w+\.)?(?:ttest_\w+|mannwhitneyu|wilcoxon|ks_1samp|ks_2samp|kstest|chi2_contingency|chisquare|f_oneway|kruskal|friedmanchisquare|fisher_exact|shapiro|normaltest"
    r"|anderson\w*|levene|bartlett|fligner|binomtest|binom_test|bootstrap|permutation_test|monte_carlo_test|tukey_hsd|jarque_bera|barnard_exact|boschloo_exact|mood|ansari|median_test"
    r"|cramervonmises\w*|alexandergovern|epps_singleton_2samp|brunnermunzel|page_trend_test|dunnett|combine_pvalues|false_discovery_control|power_divergence|ranksums|skewtest|kurtosistest)$"
    r"|statsmodels\.(?:stats\.)?(?:\w+\.)*(?:ttest_\w+|ztest|zconfint|tconfint_\w+|proportions_\w+|proportion_confint|proportion_effectsize|confint_proportions_2indep|test_proportions_2indep|multipletests"
    r"|mcnemar|cochrans_q|adfuller|kpss|grangercausalitytests|coint|acorr_\w+|het_\w+|durbin_watson|jarque_bera|anova_lm|pairwise_tukeyhsd|tt_solve_power|zt_ind_solve_power|samplesize_\w+)$"
    r"|statsmodels\.(?:\w+\.)*\w*Power\(\)\.(?:solve_power|power)$|statsmodels\.(?:\w+\.)*(?:CompareMeans|DescrStatsW)(?:\.from_data)?\(\)\.\w+$"
    r"|pingouin\.(?!plot|read|print|list)\w+$|arch\.bootstrap\.\w+\(\)\.(?:conf_int|apply)$|arch\.bootstrap\.(?:SPA|StepM|MCS)$|arch\.unitroot\.\w+$"
    r"|mlxtend\.evaluate\.(?:mcnemar\w*|paired_ttest\w*|bootstrap\w*|permutation_test|cochrans_q|ftest|proportion_difference|combined_ftest\w*)$"
    r"|lifelines\.statistics\.\w*(?:logrank|test)\w*$|scikit_posthocs\.\w+$|autorank\.autorank$|deepsig\.\w+$|causalimpact\.CausalImpact$"
    r"|sklearn\.model_selection\.permutation_test_score$|pymannkendall\.\w+$|confseq\.\w+\.\w+$|spotify_confidence\.\w+\(\)\.\w+$"
)
OWN_TEST = Lazy(
    r"(?:^|_)(?:bootstrap(?:ped|_resample)?_?(?:ci|conf\w*|interval\w*|test|mean\w*|metric\w*|score\w*|diff\w*|statistic\w*|pvalue|p_value|auc|std|se|estimate\w*)|paired_bootstrap\w*|boot_ci|permutation_test\w*|randomi[sz]ation_test"
    r"|t_?test\w*|z_?test\w*|mcnemar\w*|two_proportion\w*|significance(?:_test\w*)?|(?:is|test|check|compute)_significan\w+|p_?values?|power_analysis|sample_size|required_sample\w*|min(?:imum)?_sample_size|confidence_intervals?|conf_interval|wilson_(?:score_)?interval|clopper_pearson|likelihood_ratio_test|hypothesis_test|sprt|minimum_detectable_effect|mde)(?:_|$|s$)",
    re.IGNORECASE,
)
RESAMPLES = Lazy(
    r".*(?:^|\.)(?:choice|choices|resample|permutation|permuted|shuffle|integers|randint|sample|random_choice)$"
)
SUMMARISES = Lazy(r".*(?:^|\.)(?:percentile|quantile|quantiles|nanpercentile|mean|std|var|sem|sort|sorted|sum|fmean)$")
TAIL = Lazy(
    r"scipy\.stats\.\w+(?:\(\))?\.(?:cdf|sf|ppf|isf|interval)$|statistics\.NormalDist\(\)\.(?:cdf|inv_cdf)$|math\.erfc?$|scipy\.special\.\w+$|.*\.(?:ppf|inv_cdf)$"
)


def statistical_test(project: Project) -> Iterator[Finding]:
    """Find hypothesis tests, bootstrap intervals and power calculations that are computed and used.

    Bad: `from hypothesis import given`, a test whose result is thrown away, bootstrap as a style sheet.
    Good: `wilcoxon(candidate, baseline).pvalue`, percentiles of resampled scores, `TTestIndPower().solve_power(...)`.
    """
    code = code_of(project)
    yield from first_of_each_scope(_tests(code))
    for place in code.functions_named(OWN_TEST):
        said = code.body(place.path, place.index)
        if not place.definition.parameters or not code.imports(place.path) & (ARRAYS | {"random"}):
            continue
        names = [call.name for call in said.calls]
        drawn = any(RESAMPLES.match(name) for name in names) and any(SUMMARISES.match(name) for name in names)
        tail = any(TAIL.match(name) for name in names)
        root = any(name.rpartition(".")[2] == "sqrt" for name in names) or "**" in _signs(said)
        if drawn or (tail and _signs(said)) or (root and {"/"} <= _signs(said) and bool(_signs(said) & {"-", "*"})):
            message = f"{place.definition.name}() computes a test or an interval"
            yield at_place("statistical-test", "own", place, message)


def _tests(code: Code) -> Iterator[Finding]:
    for site in code.library(TEST_ROOTS, TESTED):
        what = site.name.rpartition(".")[2]
        thrown = site.call.discarded and setting_of(site.path) is not Setting.NOTEBOOK
        message = f"{what} is computed" + (", and its result thrown away" if thrown else "")
        yield at_call("statistical-test", "library", site, message, Strength.DECLARED if thrown else Strength.USED)


def _signs(said: Body) -> set[str]:
    return {sign for sign, _ in said.operations}


DISTRIBUTION_ROOTS = (
    "torch", "tensorflow_probability", "pyro", "numpyro", "pymc", "pymc3", "scipy", "jax", "edward", "edward2", "pomegranate", "distrax", "cmdstanpy", "pystan", "stan", "emcee",
    "bambi", "chaospy", "statistics", "openturns", "preliz", "gpytorch", "dynesty", "copulas", "pgmpy", "hmmlearn", "filterpy",
)  # fmt: skip
DISTRIBUTED = Lazy(
    r"torch\.distributions\.(?:\w+\.)?\w+\(\)\.(?:log_prob|sample|rsample|sample_n|cdf|icdf|entropy)$|torch\.distributions\.(?:\w+\.)*kl_divergence$|torch\.distributions\.(?:\w+\.)?[A-Z]\w+$"
    r"|tensorflow_probability\.(?:\w+\.)*distributions\.\w+(?:\(\)\.(?:log_prob|sample|prob|cdf|entropy))?$|tensorflow_probability\.(?:\w+\.)*mcmc\.\w+$|(?:distrax|edward2?)\.\w+(?:\(\)\.\w+)?$"
    r"|(?:num)?pyro\.(?:sample|plate|factor|infer\.\w+(?:\.\w+)*|distributions\.\w+(?:\(\)\.\w+)*)$|pymc3?\.(?:sample|Model|[A-Z]\w+|sample_posterior_predictive|logp|find_MAP)$"
    r"|scipy\.stats\.(?:\w+)(?:\(\))?\.(?:pdf|logpdf|pmf|logpmf|cdf|logcdf|sf|ppf|rvs|fit|interval|isf)$|jax\.scipy\.stats\.\w+\.(?:logpdf|pdf|logpmf|pmf|cdf|sf|ppf)$|scipy\.stats\.gaussian_kde$"
    r"|(?:cmdstanpy\.CmdStanModel|pystan\.StanModel|stan\.build)$|emcee\.EnsembleSampler$|bambi\.Model$|pomegranate\.(?:\w+\.)*\w+$|statistics\.NormalDist(?:\(\)\.(?:pdf|cdf|inv_cdf|samples|overlap))?$"
    r"|gpytorch\.(?:mlls|distributions)\.\w+$|dynesty\.\w+$|copulas\.\w+\.\w+$|pgmpy\.(?:\w+\.)*\w+$|hmmlearn\.hmm\.\w+$|filterpy\.(?:\w+\.)*\w+$"
)
FAMILY = Lazy(r"torch\.distributions\.(?:constraints|transforms|kl|utils|Distribution|constraint_registry)\b")
OWN_DENSITY = Lazy(
    r"(?:^|_)(?:bayes\w*_update|update_(?:posterior|beliefs?|prior)|posterior(?:_update|_mean|_predictive)?|log_?pdf|log_?prob(?:ability|s)?|log_?likelihood|log_?density|(?:gaussian|normal|poisson|gamma|beta|binomial|multivariate_normal)_?(?:pdf|density|likelihood|pmf|log\w*|nll)"
    r"|metropolis\w*|gibbs\w*|rejection_sampl\w*|importance_sampl\w*|mcmc\w*|hmc\w*|forward_backward|baum_welch|viterbi\w*|expectation_step|e_step|m_step|thompson\w*|mixture_density\w*|mdn_loss|kalman\w*|particle_filter\w*|sample_gumbel|gumbel_\w+|reparameteri[sz]e\w*)(?:_|$|s$)",
    re.IGNORECASE,
)
DENSITY_MATH = Lazy(
    r".*(?:^|\.)(?:exp|log|log1p|logsumexp|lgamma|gammaln|prod|cumprod|randn|randn_like|normal|standard_normal|uniform|random|rand|beta|gamma|dirichlet|multivariate_normal|slogdet|det)$"
)


def probability_code(project: Project) -> Iterator[Finding]:
    """Find distributions whose densities or samples are used, and own inference.

    Bad: `np.random.seed(0)`, `random.random() < .5`. Good: `Normal(mean, scale).log_prob(target)`, `norm.logpdf(x)`.
    """
    code = code_of(project)
    yield from first_of_each_scope(
        at_call("probability-code", "distribution", site, f"{_short(site.name)} models a distribution")
        for site in code.library(DISTRIBUTION_ROOTS, DISTRIBUTED)
        if not site.call.discarded and not FAMILY.match(site.name)
    )
    for place in code.functions_named(OWN_DENSITY):
        said = code.body(place.path, place.index)
        worked = any(DENSITY_MATH.match(call.name) for call in said.calls)
        if (
            place.definition.parameters
            and code.imports(place.path) & ARRAYS
            and worked
            and _signs(said) & {"*", "/", "-", "+", "**", "+=", "*="}
        ):
            yield at_place(
                "probability-code", "own", place, f"{place.definition.name}() computes a density or draws from one"
            )


def _short(name: str) -> str:
    return ".".join(name.replace("()", "").split(".")[-2:])


INFORMATION_ROOTS = (
    "torch",
    "tensorflow",
    "keras",
    "scipy",
    "sklearn",
    "tensorflow_probability",
    "jax",
    "numpyro",
    "pyro",
    "npeet",
    "dit",
    "pyinform",
    "optax",
    "torchmetrics",
    "mlx",
)
INFORMED = Lazy(
    r"torch\.nn\.functional\.kl_div$|torch\.nn\.KLDivLoss\(\)\(\)$|torch\.distributions\.(?:\w+\.)*kl_divergence$|torch\.distributions\.\w+(?:\.\w+)?\(\)\.entropy$"
    r"|(?:tensorflow\.)?keras\.(?:losses|metrics)\.(?:KLDivergence|kl_divergence|kullback_leibler_divergence|kld|KLD)$|tensorflow_probability\.(?:\w+\.)*(?:kl_divergence|KLDivergenceRegularizer)$"
    r"|scipy\.stats\.(?:entropy|differential_entropy)$|scipy\.special\.(?:rel_entr|kl_div|entr)$|scipy\.spatial\.distance\.jensenshannon$"
    r"|sklearn\.metrics\.(?:cluster\.)?(?:mutual_info_score|normalized_mutual_info_score|adjusted_mutual_info_score)$|sklearn\.feature_selection\.mutual_info_\w+$"
    r"|jax\.scipy\.special\.(?:rel_entr|kl_div|entr)$|numpyro\.distributions\.kl\.kl_divergence$|(?:npeet|dit|pyinform)\..*|optax\.(?:losses\.)?(?:kl_divergence\w*|convex_kl_divergence)$|torchmetrics\.(?:\w+\.)*KLDivergence(?:\(\))?$|mlx\.nn\.losses\.kl_div_loss$"
)
OWN_INFORMATION = Lazy(
    r"(?:^|_)(?:kl(?:_?(?:div\w*|loss|term|penalty|regular\w*))?|kld|kullback\w*|relative_entropy|js_?div\w*|jensen_?shannon\w*|jsd|mutual_info\w*|information_gain|info_gain|entropy(?:_(?:loss|bonus|regular\w*|of\w*|score|term))?|(?:shannon|conditional|joint|predictive|policy|token|renyi|differential|calc\w*|compute|get|semantic|normali[sz]ed)_entropy|infonce|info_nce|pmi|npmi|bald)(?:_|$|s$)",
    re.IGNORECASE,
)
NOT_INFORMATION = Lazy(
    r"cross|password|passwd|token_(?:str|urlsafe)|secret|seed|pool|urandom|key|file_entropy|byte", re.IGNORECASE
)
LOGS = Lazy(r".*(?:^|\.)(?:log|log2|log1p|log_softmax|logsumexp|entropy|xlogy|kl_div|log_prob|reduce_logsumexp)$")
VARIANCE = Lazy(
    r"[?~.=]*(?:\w*\.)*(?:log_?var\w*|logvar\w*|log_?sigma\w*|log_?std\w*|z_log_\w+|lv)(?:$|\.)", re.IGNORECASE
)


def information_measures(project: Project) -> Iterator[Finding]:
    """Find divergences, entropies and mutual information that are computed.

    Bad: a cross-entropy loss alone, the entropy of a password. Good: `F.kl_div(student, teacher)`, `-(p * log(p)).sum()`.
    """
    code = code_of(project)
    yield from first_of_each_scope(_informed(code))
    for place in code.functions_named(OWN_INFORMATION):
        body = place.definition
        said = code.body(place.path, place.index)
        if (
            NOT_INFORMATION.search(body.name)
            or not body.parameters
            or not code.imports(place.path) & (ARRAYS | {"collections"})
        ):
            continue
        if any(LOGS.match(call.name) for call in said.calls) and _signs(said) & {"*", "-", "/", "-=", "+="}:
            yield at_place("information-measures", "own", place, f"{body.name}() computes a measure of information")
        elif _gaussian_divergence(said):
            yield at_place("information-measures", "own", place, f"{body.name}() computes the divergence of a Gaussian")


def _informed(code: Code) -> Iterator[Finding]:
    for site in code.library(INFORMATION_ROOTS, INFORMED):
        yield at_call("information-measures", "library", site, f"{_short(site.name)} is computed")
    for site in code.ending("exp"):
        if _of_variance(site.call) and _gaussian_divergence(code.body(site.path, site.call.scope)):
            message = "the divergence of a Gaussian from its prior is computed"
            yield at_call("information-measures", "gaussian", site, message)


def _gaussian_divergence(said: Body) -> bool:
    """Tell whether one minus the squared mean minus the variance is summed, as in a variational autoencoder."""
    names = {call.name.rpartition(".")[2] for call in said.calls}
    squared = bool({"pow", "square"} & names) or "**" in _signs(said)
    summed = bool({"sum", "mean", "reduce_sum", "reduce_mean"} & names)
    return squared and summed and {"-", "+"} <= _signs(said) and any(_of_variance(call) for call in said.calls)


def _of_variance(call: Call) -> bool:
    """Tell whether a call raises e to a logarithm of the variance."""
    if call.name.rpartition(".")[2] != "exp":
        return False
    return bool(VARIANCE.match(call.name)) or any(
        isinstance(value, str) and VARIANCE.match(value) for value in call.arguments
    )


ALGEBRA_ROOTS = (
    "numpy",
    "scipy",
    "torch",
    "tensorflow",
    "jax",
    "cupy",
    "autograd",
    "mlx",
    "einops",
    "opt_einsum",
    "cvxopt",
    "sksparse",
)
DECOMPOSED = Lazy(
    r"(?:numpy|cupy|autograd\.numpy|jax\.numpy|scipy|jax\.scipy|mlx\.core)\.linalg\.(?:svd|svdvals|eigh?|eigvals\w*|eig_banded|qr|rq|lu\w*|cholesky|cho_\w+|solve\w*|lstsq|inv|pinvh?|schur|expm|logm|sqrtm|slogdet|null_space|orth|polar|matrix_power|tensorsolve|ldl|hessenberg|qz)$"
    r"|scipy\.sparse\.linalg\.(?:svds|eigsh?|spsolve\w*|splu|spilu|cg|cgs|gmres|minres|bicg\w*|lsqr|lsmr|lobpcg|LinearOperator|expm\w*|factorized|inv)$"
    r"|torch\.(?:linalg\.(?:svd|svdvals|eigh?|eigvals\w*|qr|cholesky\w*|solve\w*|lstsq|inv\w*|pinv|lu\w*|slogdet|matrix_exp|ldl\w*)|svd|symeig|qr|cholesky\w*|triangular_solve|lstsq|inverse|pinverse|lobpcg|pca_lowrank|svd_lowrank|slogdet|matrix_exp|einsum|solve)$"
    r"|tensorflow\.(?:linalg\.(?:svd|eigh?|eigvals\w*|qr|cholesky\w*|solve|lstsq|inv|pinv|triangular_solve|matrix_solve\w*|slogdet|einsum|self_adjoint_eig|lu|expm|sqrtm)|einsum|svd|qr|cholesky|self_adjoint_eig\w*|matrix_solve\w*)$"
    r"|(?:numpy|cupy|jax\.numpy|autograd\.numpy|mlx\.core)\.einsum$|(?:einops\.einsum|opt_einsum\.contract)$|sksparse\.\w+\.\w+$"
)
OWN_ALGEBRA = Lazy(
    r"(?:^|_)(?:pca|principal_components?|power_(?:iteration|method)|gram_?schmidt|householder|jacobi|gauss_?seidel|conjugate_gradients?|gaussian_elimination|lanczos|arnoldi|qr_(?:decomposition|algorithm)|lu_decomposition|svd|eigen\w*|cholesky\w*|whiten\w*|procrustes|kabsch|low_rank\w*|orthogonali[sz]e\w*|least_squares|normal_equations?)(?:_|$|\d)",
    re.IGNORECASE,
)
PRODUCT = Lazy(r".*(?:^|\.)(?:dot|matmul|cov|outer|norm|inner|vdot|tensordot|mm)$")


def linear_algebra_code(project: Project) -> Iterator[Finding]:
    """Find decompositions and solvers that own code calls or writes.

    Bad: `sklearn.decomposition.PCA().fit(x)`, a norm, a product. Good: `np.linalg.svd(x - x.mean(0))`, a power iteration.
    """
    code = code_of(project)
    yield from first_of_each_scope(
        at_call("linear-algebra-code", "library", site, f"{_short(site.name)} in own code")
        for site in code.library(ALGEBRA_ROOTS, DECOMPOSED)
        if not site.call.discarded or setting_of(site.path) is Setting.NOTEBOOK
    )
    for place in code.functions_named(OWN_ALGEBRA):
        said = code.body(place.path, place.index)
        product = "@" in _signs(said) or any(PRODUCT.match(call.name) for call in said.calls)
        wraps = any(call.name.startswith(("sklearn.", "cuml.")) for call in said.calls)
        if (
            place.definition.parameters
            and product
            and not wraps
            and code.imports(place.path) & ARRAYS
            and _signs(said) & {"-", "/", "-=", "/="}
        ):
            yield at_place(
                "linear-algebra-code", "own", place, f"{place.definition.name}() is linear algebra of the project's own"
            )
