"""What is worth knowing of an endpoint before it runs: findings that do not forbid it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from gpuyard.compat.check import check
from gpuyard.compat.combination import Combination
from gpuyard.errors import Finding, Severity
from gpuyard.runtimes.pod import RuntimePod
from gpuyard.runtimes.runtime import drains, image_version, newest_version, version_key
from gpuyard.serving.lifecycle import rollout_strategy
from gpuyard.serving.spec import EndpointSpec


def check_endpoint(spec: EndpointSpec, path: str = "") -> list[Finding]:
    """Warnings and notes of ``spec``; ``path`` prefixes every place."""
    prefix = f"{path}." if path else ""
    return [*_runtime(spec, prefix), *_exposure(spec, prefix), *_rollout(spec, prefix)]


def check_flags(spec: EndpointSpec) -> list[Finding]:
    """What its release does not take of the flags and variables, wherever it runs.

    An endpoint of a stack is judged with its GPU and its node as well, in `stack.compatibility`.
    """
    pod = spec.pod
    given = Combination(
        runtime=spec.engine.name,
        runtime_version=spec.version,
        install="docker",
        image=pod.image,
        env=read_pod(pod),
    )
    place = "args" if spec.args or not spec.env else "env"
    return [replace(item, path=place) for item in check(given) if item.code.startswith("FLAG_")]


def read_pod(pod: RuntimePod) -> list[Mapping[str, str]]:
    """Variables and flags of a container for `compat`, in which no value counts as another command line."""
    variables = ({"name": name, "value": "" if "--" in text else text} for name, text in pod.env.items())
    return [*variables, *read_args(pod.args)]


def read_args(args: Sequence[str]) -> Iterator[Mapping[str, str]]:
    """Each flag with its value: behind ``=`` or a space, else the next word."""
    for word, follows in zip(args, [*args[1:], ""], strict=False):
        name, *text = re.split("[= ]", word, maxsplit=1)
        if name.startswith("-"):
            yield {name: text[0] if text else "" if follows.startswith("-") else follows}


def _runtime(spec: EndpointSpec, prefix: str) -> Iterator[Finding]:
    engine, newest = spec.engine, newest_version(spec.engine.name)
    if not engine.maintained:
        yield Finding(
            severity=Severity.WARNING,
            code="RUNTIME_UNMAINTAINED",
            path=f"{prefix}runtime",
            value=engine.name,
            message=f"{engine.name} is in maintenance mode, its last release is {newest}",
            fix="use vllm: it serves the same OpenAI API",
            source="huggingface/text-generation-inference PR #3345",
            as_of="2025-12-11",
        )
    if newest and not any(map(str.isdigit, spec.version)):
        yield Finding(
            severity=Severity.WARNING,
            code="RUNTIME_VERSION_UNKNOWN",
            path=f"{prefix}runtime_version",
            value=spec.version,
            message=f'"{spec.version}" is no release of {engine.name}; it is set up as {newest}, '
            f"with the image {spec.resolved_image}",
            fix=f"write a release such as {newest}, and name another `image` where you want one",
        )
    elif newest and version_key(spec.version) > version_key(newest):
        yield Finding(
            severity=Severity.WARNING,
            code="RUNTIME_VERSION_UNKNOWN",
            path=f"{prefix}runtime_version",
            value=spec.version,
            message=f"{engine.name} {spec.version} is newer than the catalog, which ends at {newest}; "
            "it is set up as that release",
            fix="compare its release notes for renamed flags and metrics",
        )
    tagged = image_version(engine.name, spec.image)
    if tagged and version_key(tagged) != version_key(spec.version):
        yield Finding(
            severity=Severity.WARNING,
            code="IMAGE_VERSION",
            path=f"{prefix}runtime_version",
            value=spec.version,
            message=f"flags and memory are planned for {engine.name} {spec.version}, "
            f"and the image {spec.image} holds {tagged}",
            fix=f"set runtime_version to {tagged}, or leave it out",
        )
    if engine.name != "custom" and not drains(engine, spec.version):
        yield Finding(
            severity=Severity.NOTE,
            code="DRAIN_BY_SLEEP",
            path=f"{prefix}runtime_version",
            value=spec.version,
            message=f"{engine.name} {spec.version} takes no drain time; pods sleep it off before SIGTERM, so "
            f"each takes {spec.drain_seconds} s longer to go, busy or not",
            fix="vLLM 0.18.0 and later drain by themselves",
        )


def _exposure(spec: EndpointSpec, prefix: str) -> Iterator[Finding]:
    if spec.service_type == "ClusterIP":
        return
    if spec.api_key_secret and spec.engine.name != "vllm":
        return
    guard = "has no authentication of its own"
    if spec.api_key_secret:
        guard = "guards only /v1 with its API key, other routes answer anyone (vllm #58144)"
    yield Finding(
        severity=Severity.WARNING,
        code="ENDPOINT_OPEN",
        path=f"{prefix}service_type",
        value=spec.service_type,
        message=f"{spec.name} is reachable from outside the cluster and {guard}",
        fix="put a gateway with authentication and a list of allowed paths in front, and use ClusterIP",
        source="vllm-project/vllm #58144" if spec.api_key_secret else "",
    )


def _rollout(spec: EndpointSpec, prefix: str) -> Iterator[Finding]:
    surge = rollout_strategy(spec)["rollingUpdate"]["maxSurge"]
    if spec.replicas_min == 1 and not surge:
        yield Finding(
            severity=Severity.WARNING,
            code="ROLLOUT_INTERRUPTS",
            path=f"{prefix}spare_gpus",
            value=spec.spare_gpus,
            message=f"{spec.name} has one replica and its successor cannot start beside it: every rollout, "
            "and every drain of its node, interrupts service for a whole start",
            fix="raise replicas_min to 2, or keep GPUs free for a second replica",
        )
