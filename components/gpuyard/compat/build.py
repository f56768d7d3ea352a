"""Release, way of installation and CUDA of the engine that a combination names."""

import re
from collections.abc import Mapping

from gpuyard.catalog.software import Version
from gpuyard.catalog.software_runtimes import (
    DynamoRelease,
    RuntimeRelease,
    dynamo_release,
    ngc_cuda,
    release_key,
    released_after,
    released_by,
    runtime_releases,
    torch_releases,
)
from gpuyard.compat.combination import Combination
from gpuyard.compat.spelling import cuda_of, engine_of, plain

NGC_IMAGES = "nvcr.io/nvidia/"
NGC_NAMES = re.compile(r"triton ?(inference ?)?server|^triton\b|\bngc\b")
"""Runtimes whose release is a month of NVIDIA's containers."""
ALL_LISTED = ("vllm",)
"""Engines whose every release is in the catalog, from its first one on."""
CALENDAR_TAGS = 20
"""Image tags such as ``25.11-py3`` are months, not engine versions."""
BELOW_ONE = ("vllm", "sglang", "lmdeploy")
"""Engines that never reached 1: what is newer counts the product around them, or NVIDIA's months."""
_VERSION = r"v?(\d+\.\d+(?:\.\d+)?(?:[.-]?post\d+)?)"
VERSION_IN_TAG = re.compile(
    rf"(?:^|[-_ ](?=v\d)|vllm|sglang|tgi|llm|torch|triton-lang)(?:==|[-_: ])?{_VERSION}"
)
"""At the start or after an engine's name: models have versions too (``glm-5.3-flash``)."""
_VERSION_BY_NAME = re.compile(rf"(?:vllm|sglang|tgi|trt-?llm|lmdeploy)[-_: ]?{_VERSION}")
OWN_IMAGES: Mapping[str, str] = {
    "vllm": "vllm/vllm-openai",
    "sglang": "lmsysorg/sglang",
    "tgi": "text-generation-inference",
    "tei": "text-embeddings-inference",
    "tensorrt-llm": "tensorrt-llm/",
    "lmdeploy": "openmmlab/lmdeploy",
    "ollama": "ollama/ollama",
    "lorax": "lorax",
    "llama.cpp": "ggml-org/llama.cpp",
}
"""What the image that an engine's project publishes is called, wherever it is mirrored."""
_WORD_BEFORE_RELEASE = ("llama.cpp",)
"""Engines whose tags begin with a word (``server-cuda-b6341``)."""
_OWN_COUNT = re.compile(r"ai-dynamo/|lmcache/|llm-d\b|rhaiis|/nim/")
"""Images of products that carry an engine and are tagged with the product's release (NGC, Docker Hub and
Red Hat catalogues, read 2026-11-26)."""
MOVING_TAGS = ("latest", "main", "nightly", "newest", "current", "master")
MID_MONTH = "15"
"""Day that a month without one is taken for."""
EARLY_VLLM = ((0, 2, 2, 0), (0, 6, 0, 0))
EARLY_VLLM_CUDA: Version = (12, 1)
"""Releases of vLLM before the catalog's first one, with the torch that they pinned (requirements.txt)."""
EARLY_VLLM_IMAGE: tuple[Version, Version] = ((0, 4, 3, 0), (12, 4))
"""First of them whose image has another base (vllm-project/vllm#5635)."""
DYNAMO_IMAGES = "/ai-dynamo/"
LLM_D_LAST: Version = (0, 8)
"""llm-d counts its own releases below this, and those of its vLLM start above."""
OWN_NUMBERS = ("sglang-omni", "mini-sglang", "minisgl", "ik-llama", "ik_llama")
"""Projects with an engine's name in theirs, or an engine in them, that count their own releases; vLLM-Omni
counts vLLM's."""
TENSORRT_SINCE: Version = (3,)
"""TensorRT's own releases start here; below, people mean TensorRT-LLM."""
DYNAMO_GAP: tuple[Version, Version] = ((0, 10), (1,))
"""Versions that no Dynamo has (PyPI, ai-dynamo, 2026-11-23): what is stated is the engine in it."""
_BY_PIP = re.compile(r"\b(pip3?|uv|uvx|wheels?|pypi|venv|virtualenv|conda|poetry)\b")
_BY_IMAGE = re.compile(r"docker|contain|\b(image|podman|helm|kubernetes|k8s|compose|oci)\b")
_CUDA_VERSIONS = re.compile(r"cuda?[ -]?\d+(\.\d+)*")
_OTHER_VERSIONS = re.compile(r"torch[ =v_-]*\d+(\.\d+)*")
"""Versions in a runtime's name that are not the engine's own."""
_MONTHS = re.compile(r"\b(1[89]|2\d)\.(0[1-9]|1[0-2])\b")
_BY_MONTH = re.compile(
    r"nvcr\.io/nvidia/(pytorch|tensorflow|tensorrt|tensorrtserver|tritonserver|vllm|sglang|cuda-dl-base|jax"
    r"|mxnet|caffe2?|digits|cntk|theano|paddlepaddle|dgl|pyg|l4t-pytorch|optimized-\w+):|tritonserver:"
)
"""Images whose tag is a month with one CUDA, SageMaker's copies of Triton too; NeMo's months are its own."""
_NIGHTLY = re.compile(r"\bnightly\b.*-(20\d\d)([01]\d)([0-3]\d)\b")
"""Builds of one day (``nightly-dev-cu13-20260528-0abe6a85``)."""
_BASE_IMAGE = re.compile(r"nvidia/cuda:(\d+\.\d+)")
_CUDA = re.compile(r"cu(?:da)?[ -]?(\d{2})(?:\.?(\d))?(?!\d)")
_MAJOR = re.compile(r"(?:^|cu(?:da)?[ -]?)13(?![.\d])")
TORCH_IN_ENV = re.compile(
    r"\b(?:py)?torch[ =v-]*(\d+\.\d+(?:\.\d+)?)(?:\.?(?:dev|rc)\d+)?(?:\+(cu\d+))?(?![\d.])"
)
"""The wheel that an application of torch runs on; of which index it is, only its local version says."""
_TORCH = re.compile(r"torch[ =v_-]*(\d+\.\d+(?:\.\d+)?)?")


def read_engine(given: Combination, runtime_text: str, image: str) -> str:
    """The engine that runtime or image name; empty: none known."""
    engine = engine_of(runtime_text) or engine_of(image)
    number = release_key(given.runtime_version or "")
    return "tensorrt-llm" if engine == "tensorrt" and () < number < TENSORRT_SINCE else engine


def read_version(given: Combination, runtime_text: str, image: str) -> Version:
    """Key of the release, of the field or of an image tag; empty: unknown."""
    if any(name in runtime_text for name in OWN_NUMBERS):
        return ()
    if _is_dynamo(given, runtime_text, image):
        key = release_key(given.runtime_version or "")
        if _is_engines(key):
            return key
        carried = _dynamo(given, runtime_text, image)
        return carried.engines.get(engine_of(runtime_text) or engine_of(image), ()) if carried else ()
    if given.runtime_version is not None:
        key = release_key(given.runtime_version)
        if "llm-d" in runtime_text and key < LLM_D_LAST:
            return ()  # llm-d's own version, likewise
        if _is_of_product(runtime_text, key):
            return ()
        if _OWN_COUNT.search(image) and key and key == release_key(image.rpartition(":")[2]):
            return ()  # the product's tag written down again
        return key or _moving(given.runtime_version, engine_of(runtime_text) or engine_of(image))
    named = runtime_text if engine_of(runtime_text) == "torch" else _OTHER_VERSIONS.sub("", runtime_text)
    found = VERSION_IN_TAG.search(_CUDA_VERSIONS.sub("", named))
    if found and int(found[1].partition(".")[0]) < CALENDAR_TAGS:
        return release_key(found[1])
    return _image_version(image, engine_of(runtime_text) or engine_of(image))


def _image_version(image: str, engine: str) -> Version:
    """Key of the engine's release by an image's tag; empty: it names none, or counts something else."""
    path, _, tag = image.partition("@")[0].rpartition(":")
    if not path or "/" in tag:
        return ()
    dated = _NIGHTLY.search(tag)
    if dated and is_own_image(engine, path):
        return released_after(engine, "-".join(dated.groups()))
    tag = _CUDA_VERSIONS.sub("", tag)
    named = _VERSION_BY_NAME.search(tag)
    if named:
        return release_key(named[1])
    found = VERSION_IN_TAG.match(tag)
    if found is None or _OWN_COUNT.search(path) or (engine and engine_of(path) != engine):
        return ()
    key = release_key(found[1])
    return key if _is_own(path) or any(key == release.key for release in runtime_releases(engine)) else ()


def _is_of_product(runtime_text: str, key: Version) -> bool:
    """Whether a version is that of the product which carries the engine (``xinference+sglang`` 1.4.1)."""
    engine = engine_of(runtime_text)
    if engine not in BELOW_ONE or runtime_text == engine:
        return False
    return key >= (1,) or (engine in ALL_LISTED and _is_none_of(engine, key))


def _is_none_of(engine: str, key: Version) -> bool:
    """Whether the engine had no such release, nor a build on the way to it (``xinference+vllm`` 0.15.4)."""
    known = [release.key[:3] for release in runtime_releases(engine)]
    return known[0] < key[:3] < known[-1] and key[:3] not in known


def _is_engines(key: Version) -> bool:
    """Whether it cannot be Dynamo's: that went from 0.9 to 1.0."""
    return DYNAMO_GAP[0] <= key < DYNAMO_GAP[1]


def _moving(text: object, engine: str) -> Version:
    """The release that "latest" means, or meant in a month or on a day; empty: nothing like that is said."""
    words = plain(text)
    if words in ("latest", "stable", "newest") and engine:
        return released_by(engine, "2999-12-31")
    found = re.search(r"\b(20\d{2}-\d{2})(?:-(\d{2}))?\b", words)
    if found is None or not engine or not any(word in words for word in MOVING_TAGS):
        return ()
    return released_by(engine, f"{found[1]}-{found[2] or MID_MONTH}")


def read_install(given: Combination, image: str) -> str:
    """``pip``, ``docker`` or whatever else is said; an image means ``docker``."""
    text = plain(given.install)
    for way, words in (("pip", _BY_PIP), ("docker", _BY_IMAGE)):
        if words.search(text):
            return way
    return text or ("docker" if image else "")


def read_cuda(
    given: Combination,
    image: str,
    runtime: str,
    version: Version,
    release: RuntimeRelease | None,
    install: str,
) -> tuple[Version, bool]:
    """CUDA major and minor of the build, and whether that was given."""
    if given.cuda is not None:
        return cuda_of(str(given.cuda)), True
    tag = image.rpartition(":")[2]
    base = base_image(image)
    if is_by_others(image, runtime) and given.base_image_cuda is not None:
        base = cuda_of(str(given.base_image_cuda))
    if base and install != "pip":  # which brings the libraries of its own CUDA
        return base, True
    for text in (tag, plain(given.runtime_version), plain(given.runtime)):
        named = _named_cuda(text)
        if named:
            return named, True
    month = ngc_month(given, image)
    if month:
        return ngc_cuda(month), False
    carried = _dynamo(given, plain(given.runtime) or engine_of(image), image)
    if carried is not None and runtime in carried.cuda:
        return carried.cuda[runtime], False
    if release is not None and not is_other_build(image):
        return (release.wheel_cuda if install == "pip" else release.image_cuda)[:2], False
    if EARLY_VLLM[0] <= version < EARLY_VLLM[1] and runtime == "vllm":
        by_image = install == "docker" and version >= EARLY_VLLM_IMAGE[0]
        return EARLY_VLLM_IMAGE[1] if by_image else EARLY_VLLM_CUDA, False
    wheel = TORCH_IN_ENV.search(plain(given.env)) if given.env else None
    if wheel is not None and wheel[2]:
        return cuda_of(wheel[2].removeprefix("cu")), True
    return _torch_cuda(given), False


def base_image(image: str) -> Version:
    """CUDA of NVIDIA's base image, where the image is one; empty: it is another."""
    found = _BASE_IMAGE.search(image)
    return cuda_of(found[1]) if found else ()


def is_other_build(image: str) -> bool:
    """Whether the tag of the engine's own image names a model or a branch: its CUDA is not the release's."""
    tag = image.partition("@")[0].rpartition(":")[2]
    return "nightly" in tag or (_is_own(image) and not re.match(r"(v?\d|latest\b)", tag) and "/" not in tag)


def is_by_others(image: str, engine: str) -> bool:
    """Whether somebody else than the engine's project built the image, with whatever CUDA and torch."""
    return bool(image and engine) and not is_own_image(engine, image)


def is_own_image(engine: str, image: str) -> bool:
    """Whether it is the image that the engine's project publishes."""
    return engine in OWN_IMAGES and OWN_IMAGES[engine] in image


def _is_own(image: str) -> bool:
    """Whether an engine's project publishes it, with a tag that begins with the release."""
    return any(name in image for engine, name in OWN_IMAGES.items() if engine not in _WORD_BEFORE_RELEASE)


def _named_cuda(text: str) -> Version:
    """CUDA in a tag or local version: ``cu129``, ``cuda12.9``, ``cu13``; 12 alone says too little."""
    found = _CUDA.search(text)
    if found is None or (found[2] is None and found[1] != "13"):
        return ()
    return int(found[1]), int(found[2] or 0)


def says_major_alone(given: Combination) -> bool:
    """Whether all that is said of CUDA is its major version, 13: image, build or tag may be of any 13.x."""
    stated = plain(given.base_image_cuda) or plain(given.cuda)
    texts = (stated,) if stated else (plain(given.image).rpartition(":")[2], plain(given.runtime_version))
    found = next(filter(None, (_MAJOR.search(text) for text in texts)), None)
    return found is not None


def _is_dynamo(given: Combination, runtime_text: str, image: str) -> bool:
    """Whether a version beside the engine is Dynamo's, not the engine's."""
    if "dynamo" in runtime_text:
        return engine_of(runtime_text) != "ai-dynamo"
    return DYNAMO_IMAGES in image and given.runtime_version is None


def _dynamo(given: Combination, runtime_text: str, image: str) -> DynamoRelease | None:
    """Dynamo's release, where its image or a version that only it can have says so."""
    key = release_key(image.rpartition(":")[2]) if DYNAMO_IMAGES in image else ()
    if not key and "dynamo" in runtime_text and engine_of(runtime_text) in ("vllm", "sglang"):
        stated = release_key(given.runtime_version)
        key = stated if stated >= DYNAMO_GAP[1] else ()
    return dynamo_release(key) if key else None


def ngc_month(given: Combination, image: str) -> Version:
    """Month of NVIDIA's containers, ``(25, 8)``; empty: it is none of them, or no month is said."""
    by_name = NGC_NAMES.search(plain(given.runtime))
    texts = (
        image.rpartition(":")[2] if _BY_MONTH.search(image) else "",
        plain(given.runtime_version) if by_name else "",
    )
    found = next(filter(None, (_MONTHS.search(text) for text in texts)), None)
    return (int(found[1]), int(found[2])) if found else ()


def _torch_cuda(given: Combination) -> Version:
    """CUDA of torch on the default index, where torch is all that is said of the engine."""
    text = f"{plain(given.runtime)} {plain(given.runtime_version)}"
    found = _TORCH.search(text)
    if found is None:
        return ()
    key = release_key(found[1] or given.runtime_version or "")
    if not key:
        return ()
    listed = [row for row in torch_releases().values() if row.key <= key]
    return max(listed, key=lambda row: row.key).cuda[:2] if listed else ()
