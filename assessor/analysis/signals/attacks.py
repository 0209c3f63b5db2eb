"""Layer 7: text that nobody vouches for on its way to a language model, and attacks that the project tries itself."""

from __future__ import annotations

import re
from collections.abc import Iterator

from assessor.analysis.facts.model import PythonFacts
from assessor.analysis.findings import Finding, Setting, Strength
from assessor.analysis.paths import Role, role_of
from assessor.analysis.project import Project
from assessor.analysis.signals.idioms import Lookup, idioms, last_of, library_calls, lookup_of, root_of
from assessor.analysis.signals.lazy import Lazy
from assessor.analysis.signals.runs import test_run
from assessor.analysis.signals.sites import Place, at_call, at_place, scopes_within, setting_of
from assessor.analysis.signals.testing import asserting_line

__all__ = ["adversarial_tests", "prompt_guard"]

MODELS = frozenset(
    {
        "openai",
        "anthropic",
        "litellm",
        "langchain",
        "langchain_core",
        "langchain_openai",
        "langchain_community",
        "langchain_anthropic",
        "llama_index",
    }
    | {
        "transformers",
        "vllm",
        "ollama",
        "google",
        "cohere",
        "mistralai",
        "groq",
        "boto3",
        "together",
        "huggingface_hub",
        "semantic_kernel",
        "autogen",
    }
    | {
        "crewai",
        "pydantic_ai",
        "dspy",
        "haystack",
        "llama_cpp",
        "langgraph",
        "instructor",
        "guidance",
        "langchain_ollama",
        "langchain_aws",
        "agents",
        "mcp",
    }
    | {"sentence_transformers", "injector", "vertexai", "replicate", "ctransformers", "smolagents"}
)
GUARDS = idioms(
    ("library", r"guardrails\.(?:Guard|AsyncGuard)(?:\.\w+)?(?:\(\))+(?:\.\w+\(\))*\.?(?:validate|parse|use|use_many)?(?:\(\))?$", "what goes in or comes out is validated"),
    ("library", r"nemoguardrails\.(?:\w+\.)*(?:LLMRails|RunnableRails)(?:\(\)\.\w+)?$", "rails stand around the model"),
    ("library", r"llm_guard\.(?:\w+\.)*(?:scan_prompt|scan_output|\w+\(\)\.scan)$", "prompts or answers are scanned"),
    ("library", r"rebuff\.(?:\w+\.)*\w+\(\)\.(?:detect_injection|add_canary_word|is_canary_word_leaked)$|lakera\w*\.(?:\w+\.)*\w+|promptguard\.\w+|aiguard\.\w+|pytector\.(?:\w+\.)*\w+\(\)\.\w+", "prompts are scanned for injections"),
    ("moderated", r"openai\.(?:.*\.)?moderations?\.create$|openai\.Moderation\.a?create$", "text is moderated before or behind the model"),
    ("moderated", r"azure\.ai\.contentsafety\..*\.(?:analyze_text|detect_\w+|shield_prompt)$|google\.cloud\.modelarmor\w*\..*\.sanitize_\w+$", "text is moderated before or behind the model"),
    ("validated", r"instructor\.(?:from_\w+|patch|apatch)$|outlines\.(?:\w+\.)*(?:json|choice|regex|Generator|generate\.\w+)$|guidance\.(?:select|gen|json)$", "the answer must fit a schema"),
)  # fmt: skip
PLATFORM = frozenset({"apply_guardrail", "shield_prompt", "sanitize_user_prompt", "detect_injection", "scan_prompt"})
CLASSIFIER = Lazy(
    r"prompt[-_]?guard|prompt[-_]injection|llama[-_]?guard|jailbreak[-_]?(?:classifier|detector)|shieldgemma",
    re.IGNORECASE,
)
OWN_GUARD = Lazy(
    r"(?:^|_)(?:prompt_?)?(?:injections?|jailbreaks?)(?:_|$)|^(?:_?)(?:sanitize|sanitise|screen|guard|neutralize|neutralise|quarantine|isolate|spotlight|delimit|fence|escape|vet|filter|check|validate|moderate|wrap)_"
    r"(?:\w+_)?(?:prompt|user_input|user_text|user_message|untrusted\w*|llm_(?:output|response|answer|input)|model_output|model_answer|completion|tool_calls?|tool_args|tool_arguments|tool_name|retrieved_\w+)$",
    re.IGNORECASE,
)
OTHER_INJECTION = Lazy(r"sql|dependency|fault|noise|inject_dep|xss|html|csv|log_injection|shell|command", re.IGNORECASE)
CHECKS = Lazy(
    r"(?:re|regex)\.|.*\.(?:search|match|fullmatch|sub|findall|replace|translate|encode|predict\w*|lower|casefold|strip|model_validate\w*|validate\w*|classify|detect\w*|scan|create|analyze\w*|get|invoke|generate)$|any$|all$|len$|json\.loads$|html\.escape$|isinstance$"
)
ASKED = Lazy(
    r"(?:a?create\w*|a?parse|a?completion|generate\w*|Agent|run|run_sync|chat|GenerationConfig|GenerateContentConfig)$"
)
ALLOWED = Lazy(
    r"allowed_?(?:tools?|functions|actions|tool_names)$|tools?_?(?:allow_?list|whitelist)$|(?:allow_?list|whitelist)(?:ed)?_?(?:tools?|actions)$|(?:safe|permitted)_tools$",
    re.IGNORECASE,
)


def prompt_guard(project: Project) -> Iterator[Finding]:
    """Find text that is checked, fenced or constrained on its way to a language model, and answers that are validated.

    Bad: `PROMPT.format(question=text)`, `from guardrails import Guard` alone.
    Good: `scan_prompt(scanners, text)`; `if name not in ALLOWED_TOOLS: raise`; an own check for injections that is called.
    """
    lookup = lookup_of(project)
    yield from library_calls("prompt-guard", lookup, GUARDS)
    if not MODELS & lookup.imported.keys():
        return
    for site in lookup.ending(*PLATFORM):
        if lookup.project.definition(site.name) is None:
            yield at_call("prompt-guard", "platform", site, f"{last_of(site.name)}() checks the text")
    for name in lookup.under(("transformers", "litellm", "openai", "groq", "huggingface_hub", "ollama")):
        for site in lookup.code.named(name):
            values = [*site.call.arguments, *(value for _, value in site.call.keywords)]
            if any(isinstance(value, str) and CLASSIFIER.search(value) for value in values):
                yield at_call("prompt-guard", "classifier", site, "a model trained for it looks for injections")
    for site, value in lookup.given(
        "response_format", "text_format", "response_model", "output_type", "response_schema"
    ):
        schema = isinstance(value, str) and lookup.project.definition(lookup.project.resolve(site.path, value[1:]))
        if schema and ASKED.match(last_of(site.name)):  # a route has a response_model too
            yield at_call("prompt-guard", "validated", site, "the answer must fit a schema")
    for site in lookup.ending("with_structured_output"):
        if site.call.arguments:
            yield at_call("prompt-guard", "validated", site, "the answer must fit a schema")
    yield from _own_guards(lookup)
    yield from _allow_lists(lookup)


def _own_guards(lookup: Lookup) -> Iterator[Finding]:
    """Find functions of the project's own that look at untrusted text or at an answer, and say whether anything calls them."""
    for place in lookup.functions(OWN_GUARD):
        body = place.definition
        if OTHER_INJECTION.search(body.name) or not body.parameters:
            continue
        called = [
            lookup.project.resolve(place.path, call.name) for call in lookup.code.calls_within(place.path, place.index)
        ]
        looks = any(map(CHECKS.match, called)) or place.index in lookup.code.files[place.path].raising
        if not looks or body.name.startswith("test"):
            continue
        used = bool(body.decorators) or any(last_of(site.name) == body.name for site in lookup.ending(body.name))
        message = (
            f"{body.name}() looks at text on its way to or from the model"
            if used
            else f"{body.name}() is called by nothing"
        )
        yield at_place("prompt-guard", "own", place, message, Strength.USED if used else Strength.DECLARED)


def _allow_lists(lookup: Lookup) -> Iterator[Finding]:
    for path, known in lookup.code.files.items():
        for one in known.assigns:
            if ALLOWED.search(one.target.rpartition(".")[2]) and one.value != "=None":
                message = f"{one.target} says which tools may be called"
                yield Finding(
                    "prompt-guard", "allow-list", path, one.line, message, scope=one.scope, setting=setting_of(path)
                )
                break


ATTACKS = Lazy(
    r"art\.attacks\..*\.(?:generate|extract|poison|infer)$|foolbox\.(?:\w+\.)*attacks\.\w+|foolbox\.attacks\..*|torchattacks\.\w+(?:\(\)\(\))?$|cleverhans\..*(?:fast_gradient_method|projected_gradient_descent|carlini\w*|generate)$"
    r"|advertorch\.attacks\..*|autoattack\.AutoAttack\(\)\.run_standard_evaluation\w*$|textattack\.(?:\w+\.)*(?:Attacker\(\)\.attack_dataset|attack_recipes\.\w+|augmentation\.\w+\(\)\.augment)"
    r"|secml\..*\.run$|robustbench\..*|art\.(?:estimators|metrics)\.\w*robust\w*|captum\.robust\..*|nlpaug\..*\.augment$|checklist\.(?:perturb|test_\w+)\..*|giskard\.scan$|pyrit\..*|garak\..*|deepteam\..*"
    r"|atheris\.(?:Fuzz|Setup|instrument\w*)$|schemathesis\..*(?:parametrize|from_\w+|call_and_validate|validate_response)$|imagecorruptions\.corrupt$|augly\..*"
)
ATTACK_ROOTS = frozenset(
    {
        "art",
        "foolbox",
        "torchattacks",
        "cleverhans",
        "advertorch",
        "autoattack",
        "textattack",
        "secml",
        "robustbench",
        "captum",
        "nlpaug",
        "checklist",
        "giskard",
        "pyrit",
        "garak",
        "deepteam",
    }
    | {"atheris", "schemathesis", "imagecorruptions", "augly"}
)
ATTACK_NAME = Lazy(
    r"fgsm|(?:^|_)pgd(?:_|$)|adversarial_(?:attack|example|perturb\w*|noise|step)|fast_gradient|perturb|deepfool|(?:^|_)attack(?:_|$)",
    re.IGNORECASE,
)
PERTURBED = Lazy(
    r"robust|perturb|typos?(?:_|$)|nois[ey]|adversarial|attack|fuzz|corrupt|garbage|invariance|invariant",
    re.IGNORECASE,
)
PREDICTS = Lazy(
    r"predict\w*|classif\w*|score\w*|infer\w*|forward|post|detect\w*|evaluate\w*|generate|answer|ask|moderate|__call__"
)


def adversarial_tests(project: Project) -> Iterator[Finding]:
    """Find attacks and perturbations against the model, and fuzzed inputs.

    Bad: a GAN's adversarial loss. Good: `FastGradientMethod(classifier).generate(x)`; a test that adds typos and asserts on predict().
    """
    run = test_run(project)
    wired, verified = (run.wired_by, run.verified_by) if run else (None, None)
    for path, known in project.python.items():
        role = role_of(path)
        if role not in (Role.OWN, Role.TEST, Role.EXAMPLE):
            continue
        if any(root_of(one.name) in ATTACK_ROOTS for one in known.imports):
            for call in known.calls:
                if ATTACKS.match(call.name):
                    place = (None, wired, verified) if role is Role.TEST else (call.scope, None, None)
                    message = f"attacks or fuzzes with {root_of(call.name)}"
                    yield Finding(
                        "adversarial-tests", "library", path, call.line, message, scope=place[0], setting=setting_of(path),
                        wired_by=place[1], verified_by=place[2],
                    )  # fmt: skip
        if role is Role.TEST:
            for line, message in _own_tests(project, path, known):
                yield Finding(
                    "adversarial-tests",
                    "perturbation",
                    path,
                    line,
                    message,
                    setting=Setting.TEST,
                    wired_by=wired,
                    verified_by=verified,
                )
    yield from _own_attacks(lookup_of(project))


def _own_tests(project: Project, path: str, known: PythonFacts) -> Iterator[tuple[int, str]]:
    """Find tests that perturb or fuzz what a model is given and assert on what it answers."""
    fuzzing = any(one.name.startswith("hypothesis") for one in known.imports)
    for index, body in enumerate(known.definitions):
        if body.kind == "class" or not body.name.startswith("test"):
            continue
        fuzzed = fuzzing and any(name.startswith("hypothesis.given") for name, _ in body.decorators)
        if not fuzzed and not PERTURBED.search(body.name):
            continue
        inside = scopes_within(known, index)
        if any(call.scope in inside and PREDICTS.fullmatch(last_of(call.name)) for call in known.calls):
            line = asserting_line(project, path, index)
            if line is not None:
                yield line, f"{body.name}() {'fuzzes' if fuzzed else 'perturbs'} what the model is given"


def _own_attacks(lookup: Lookup) -> Iterator[Finding]:
    """Find functions that step along the sign of a gradient to move an input."""
    for site in lookup.ending("sign"):
        if site.call.scope < 0:
            continue
        known = lookup.code.files[site.path]
        body = known.definitions[site.call.scope]
        if ATTACK_NAME.search(body.name) or ATTACK_NAME.search(site.path.rpartition("/")[2]):
            yield at_place(
                "adversarial-tests",
                "own",
                Place(site.path, site.call.scope, body),
                f"{body.name}() attacks a model along its gradient",
            )
