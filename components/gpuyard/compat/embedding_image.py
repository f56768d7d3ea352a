"""Text Embeddings Inference: an image per generation of GPUs, told apart by the prefix of its tag."""

import re
from collections.abc import Iterator

from gpuyard.catalog.software import Version, compat_rule, parse_version
from gpuyard.catalog.software_runtimes import embedding_images
from gpuyard.compat.facts import Facts
from gpuyard.compat.problem import Problem, set_field, set_gpu
from gpuyard.compat.sourced import Sourced
from gpuyard.compat.spelling import dotted

SEVERAL = "cuda-"
"""Prefix of the image that holds the code of several generations."""
OF_SEVERAL: tuple[Version, ...] = ((7, 5), (8, 0), (8, 6), (8, 9), (9, 0))
BLACKWELL_SINCE = Sourced(
    (1, 9), "huggingface/text-embeddings-inference Dockerfile-cuda-all of v1.9.0; its #652 (2025-06-24), #806"
)
"""First release whose image of several has code for Blackwell, and what the ones before have."""
_TAG = re.compile(r"(?P<prefix>[a-z]+-|\d{2,3}-)?(?P<release>\d+\.\d+[\d.]*|latest)")


def embedding_image_problems(facts: Facts) -> Iterator[Problem]:
    """An image that was compiled for another generation than the GPU's."""
    name, _, tag = facts.image.rpartition(":")
    found = _TAG.fullmatch(tag)
    if facts.runtime != "tei" or found is None or "/" in tag:
        return
    prefix = found["prefix"] or ""
    early = prefix == SEVERAL and () < parse_version(found["release"]) < BLACKWELL_SINCE
    runs_on = OF_SEVERAL if early else embedding_images().get(prefix)
    if runs_on is None or facts.sm in runs_on:
        return
    fitting = [other for other, capable in embedding_images().items() if facts.sm in capable]
    release = "1.9" if early else found["release"]
    images = (f"{name}:{other}{release}" for other in fitting)
    yield Problem(
        "SM_NOT_IN_BINARY",
        "image",
        f"the image is compiled for compute capability {' '.join(map(dotted, runs_on))} "
        f"and stops on {facts.card}",
        (*(set_field("image", image, f"use image {image}") for image in images), set_gpu(facts, "a10g")),
        source=BLACKWELL_SINCE.source if early else compat_rule("R-TEI")["source"],
    )
