"""Every code that `check` can answer: what it means, how much it weighs, an example, the way out.

`docs/reference/findings.md` is this table (`render_reference`); a test holds them together.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gpuyard.errors import Severity


@dataclass(frozen=True, slots=True)
class Code:
    """One code. ``severity`` is the usual one: where a rule is unsure it answers a warning."""

    code: str
    severity: Severity
    meaning: str
    example: str
    fix: str
    source: str
    as_of: str = "2026-11-23"


_E, _W = Severity.ERROR, Severity.WARNING
_NVIDIA = "docs.nvidia.com/deploy/cuda-compatibility (2026)"

CODES: Mapping[str, Code] = {
    item.code: item
    for item in (
        Code(
            "DRIVER_TOO_OLD_FOR_CUDA_MAJOR",
            _E,
            "The driver is below the floor of the build's CUDA major version, and nothing runs.",
            "vLLM 0.20 (CUDA 13.0) on driver 535",
            "an image of the older CUDA major, or a newer driver",
            _NVIDIA,
        ),
        Code(
            "PTX_JIT_DRIVER_TOO_OLD",
            _W,
            "The driver is older than the build's CUDA minor version, so code that is compiled from PTX at run time fails. An error where a needed kernel has no machine code for the GPU.",
            "vLLM 0.11.2 (CUDA 12.8) on driver 550",
            "a driver of the build's CUDA version",
            "vllm-project/vllm#31700; " + _NVIDIA,
        ),
        Code(
            "FWD_COMPAT_UNSUPPORTED_HW",
            _E,
            "The image loads forward-compatibility libraries on a GPU that may not use them (CUDA error 804).",
            "CUDA 13.2 image with cuda-compat on an RTX 3090, driver 580",
            "an image no newer than the driver's CUDA, or a newer driver",
            "noonghunna/club-3090#633; vllm-project/vllm#5283",
        ),
        Code(
            "COMPAT_LIB_MISMATCH",
            _E,
            "The container's own libcuda does not fit the loaded kernel driver (CUDA error 803).",
            "vLLM 0.15.0 image on driver 580",
            "an image that does not put cuda-compat first",
            "gpustack/gpustack#4678; ai-dynamo/dynamo#1101",
        ),
        Code(
            "IMAGE_REQUIRE_GATE",
            _E,
            "The image demands a CUDA version (NVIDIA_REQUIRE_CUDA) that the driver branch neither has nor is excepted from; the container does not start.",
            "CUDA 12.4 image on driver 530",
            "a newer driver, or NVIDIA_DISABLE_REQUIRE=1",
            "vllm-project/vllm#5635; huggingface/text-generation-inference#1391",
        ),
        Code(
            "SM_BELOW_MIN",
            _E,
            "The GPU is older than the oldest that the release supports.",
            "SGLang 0.5.11 on a T4",
            "an older release, another engine or a newer GPU",
            "release metadata; sgl-project/sglang#24224",
        ),
        Code(
            "SM_NOT_IN_BINARY",
            _E,
            "The build has no machine code for this GPU (no kernel image is available).",
            "vLLM 0.8.5 on a B200",
            "a release or image that was built for the GPU",
            "wheel inspection; NVIDIA/Model-Optimizer PR#2042",
        ),
        Code(
            "TOOLCHAIN_TOO_OLD_FOR_SM",
            _E,
            "Kernels are compiled at run time with a CUDA toolkit that does not know this GPU.",
            "FlashInfer with CUDA 12.8 on an RTX 5090",
            "a newer CUDA toolkit or build",
            "flashinfer-ai/flashinfer#3675",
        ),
        Code(
            "DRIVER_DROPPED_GPU",
            _E,
            "The driver branch no longer drives this GPU.",
            "GTX 1050 on driver 595",
            "driver branch 580, the last for Maxwell, Pascal and Volta",
            "NixOS/nixos-hardware#1880",
        ),
        Code(
            "DRIVER_TOO_OLD_FOR_GPU",
            _E,
            "The driver is older than the first that knows this GPU.",
            "B200 on driver 565",
            "a newer driver",
            "NVIDIA/cloud-native-docs gpu-operator (2026-08-21)",
        ),
        Code(
            "OPEN_MODULE_UNSUPPORTED",
            _E,
            "The kernel module flavour and the GPU exclude each other: open needs Turing or newer, Grace Hopper and Blackwell need open.",
            "V100 with the open kernel module",
            "the other kernel module",
            "NVIDIA/cloud-native-docs gpu-operator (2026-08-21); skypilot-org/skypilot PR#9639",
        ),
        Code(
            "FABRIC_MANAGER",
            _E,
            "An NVSwitch node without fabric manager, or with one of another version than the driver (CUDA error 802).",
            "8 x H100 with driver 570.133.20 and fabric manager 570.124.06",
            "nvidia-fabricmanager of exactly the driver version",
            "dstackai/dstack#2348; aws-samples/aws-deep-learning-ami-ubuntu-dcv-desktop#33",
        ),
        Code(
            "AMI_DRIVER_MIN",
            _E,
            "The node image's driver does not drive this GPU: too old for it, or too new.",
            "p3 (V100) on an EKS image with driver 595",
            "an image release with a fitting driver",
            "awslabs/amazon-eks-ami doc/usage/g7-ami.md (2026-06-24)",
        ),
        Code(
            "AMI_NO_DRIVER",
            _E,
            "The node image has no GPU driver, and nothing else installs one.",
            "EKS with the standard AL2023 image",
            "the NVIDIA variant of the image",
            "awslabs/amazon-eks-ami doc (2026-07-23)",
        ),
        Code(
            "DRIVER_INSTALL_DISABLED",
            _E,
            "Nothing installs the driver on GKE: auto-provisioned pools do it only when the pod asks.",
            "an L4 on GKE, nothing said about the driver",
            "ask for it: cloud.google.com/gke-gpu-driver-version",
            "GoogleCloudPlatform/container-engine-accelerators#407",
        ),
        Code(
            "DRIVER_LIB_PATH",
            _E,
            "GKE mounts the driver where images on CUDA 12.8 and newer do not look for it.",
            "vLLM 0.11 on GKE without LD_LIBRARY_PATH",
            "LD_LIBRARY_PATH=/usr/local/nvidia/lib64:/usr/local/cuda/lib64",
            "facts on GKE driver mounts; vllm-project/vllm#21979",
        ),
        Code(
            "GKE_COS_INSTALL_DIR",
            _E,
            "The operator installs its toolkit into a folder that Container-Optimized OS keeps read-only.",
            "GPU Operator on GKE COS with its default folder",
            "toolkit.installDir=/home/kubernetes/bin/nvidia",
            "NVIDIA/cloud-native-docs gpu-operator GKE page (2026-08-21)",
        ),
        Code(
            "OS_NO_DRIVER_CONTAINER",
            _E,
            "The operator is to install the driver on a system for which no driver container exists.",
            "GPU Operator driver on Bottlerocket",
            "driver.enabled=false and an image that brings the driver",
            "NVIDIA/gpu-operator#709, #686, #1212",
        ),
        Code(
            "OPERATOR_DUPLICATE_STACK",
            _E,
            "Two owners of one part: the operator and the node image both bring it.",
            "operator-managed driver on the EKS NVIDIA image",
            "leave the part to the image",
            "awsdocs/amazon-eks-user-guide PR#1143",
        ),
        Code(
            "TOOLKIT_CONTAINERD",
            _E,
            "The container toolkit cannot read this containerd's configuration.",
            "toolkit 1.14.6 with containerd 2.1",
            "toolkit 1.18.1 or newer",
            "NVIDIA/gpu-operator#2060, #1577",
        ),
        Code(
            "DRA_DRIVER_MIN",
            _E,
            "The driver is too old for the DRA driver.",
            "DRA driver on driver 550",
            "driver 580",
            "NVIDIA/k8s-dra-driver-gpu docs (2026-08)",
        ),
        Code(
            "K8S_VERSION",
            _E,
            "The Kubernetes version is outside what the operator or DRA driver supports. A warning where only the platform's support has ended.",
            "DRA driver 25.3 on Kubernetes 1.34",
            "a release made for that Kubernetes",
            "NVIDIA/cloud-native-docs gpu-operator (2026-08-21); NVIDIA/k8s-dra-driver-gpu#533",
        ),
        Code(
            "HOST_GLIBC",
            _E,
            "The host's glibc is older than the wheel's, so pip builds from source and fails.",
            "vLLM 0.20.1 by pip on AlmaLinux 9",
            "a release with an older wheel tag, or the container",
            "vllm-project/vllm#41562",
        ),
        Code(
            "CPU_ARCH",
            _E,
            "The engine or image is not built for this processor.",
            "vLLM 0.9 by pip on GH200 (arm64)",
            "a release with arm64 builds",
            "wheel metadata (2026-11-23)",
        ),
        Code(
            "ENGINE_MIN_SM",
            _E,
            "The engine mode that was asked for needs a newer GPU.",
            "VLLM_USE_V1=1 on a T4 with vLLM 0.8",
            "the other mode, or a newer GPU",
            "vllm-project/vllm#15853, #12568",
        ),
        Code(
            "ATTN_BACKEND_MISSING",
            _E,
            "No attention backend of the engine serves this model on this GPU.",
            "Gemma 2 on a T4",
            "another backend or GPU",
            "vllm-project/vllm#9922, #4246",
        ),
        Code(
            "QUANT_MIN_SM",
            _E,
            "The quantization has no kernels for this GPU.",
            "mxfp4 on a T4",
            "another quantization or a newer GPU",
            "vllm-project/vllm#23203",
        ),
        Code(
            "DTYPE_UNSUPPORTED",
            _E,
            "The GPU or model does not compute in this dtype.",
            "bfloat16 on a T4",
            "dtype float16",
            "vllm-project/vllm#1157",
        ),
        Code(
            "TP_DIVISIBILITY",
            _E,
            "Attention heads cannot be divided by the tensor-parallel size.",
            "28 heads with tensor_parallel 8",
            "a size that divides the heads",
            "vllm-project/vllm#2652",
        ),
        Code(
            "TP_QUANT_BLOCK",
            _E,
            "A shard of the quantised weights is not whole quantization blocks.",
            "Qwen3-235B-A22B-FP8 with tensor_parallel 8",
            "a smaller tensor-parallel size",
            "vllm-project/vllm#52997, #13640",
        ),
        Code(
            "MIG_TP",
            _E,
            "Tensor parallelism across MIG slices: a process sees one slice.",
            "1g.10gb slices with tensor_parallel 2",
            "tensor_parallel 1, or whole GPUs",
            "vllm-project/vllm#7211",
        ),
        Code(
            "MIG_UUID",
            _E,
            "The engine reads CUDA_VISIBLE_DEVICES as numbers and fails on a MIG UUID.",
            "CUDA_VISIBLE_DEVICES=MIG-… with vLLM",
            "let the container runtime select the slice",
            "vllm-project/vllm issues on MIG UUIDs",
        ),
        Code(
            "MIG_DRIVER_BUG",
            _E,
            "This driver's MIG does not work on this node.",
            "MIG with driver 570.148.08",
            "driver 570.172.08 or newer",
            "NVIDIA/gpu-operator#1361",
        ),
        Code(
            "MIG_UNSUPPORTED",
            _E,
            "The GPU cannot be cut into MIG slices.",
            "MIG on an L4",
            "whole GPUs, or an A100, H100 or newer",
            "catalog gpus.csv",
        ),
        Code(
            "MEMORY_WEIGHTS",
            _E,
            "The weights do not fit the GPUs.",
            "Llama-3-70B in bfloat16 on one A100 80 GB",
            "more or larger GPUs, or 4-bit weights",
            "vllm-project/vllm#5711",
        ),
        Code(
            "MEMORY_KV",
            _E,
            "What the weights leave is less than one sequence of max_model_len needs.",
            "Llama-3.1-405B-FP8 on 8 x H100 with 131,072 tokens",
            "a shorter max_model_len, or more GPUs",
            "vllm-project/vllm#6746",
        ),
        Code(
            "RUNTIME_LIB_MISSING",
            _E,
            "A library of another CUDA major is needed than the one that is there.",
            "vLLM 0.11 wheel (CUDA 12) in a CUDA 13 environment",
            "builds of one CUDA major",
            "wheel metadata (2026-11-23)",
        ),
        Code(
            "FLAG_UNKNOWN",
            _E,
            "The engine has no such flag, or not yet.",
            "--shutdown-timeout with vLLM 0.17",
            "drop it, or the release that has it",
            "engine changelogs",
        ),
        Code(
            "FLAG_REMOVED",
            _E,
            "The release no longer has this flag.",
            "--enable-reasoning with vLLM 0.10",
            "its successor",
            "vllm-project/vllm#18538, PR#36216",
        ),
        Code(
            "RUNTIME_UNMAINTAINED",
            _W,
            "The engine is in maintenance mode.",
            "TGI 3.3.7",
            "vLLM or SGLang",
            "huggingface/text-generation-inference PR#3345 (2025-12-11)",
        ),
        Code(
            "RUNTIME_NEWER_THAN_CATALOG",
            _W,
            "The release is newer than the catalog; it was judged by the newest known one.",
            "vLLM 0.40",
            "refresh the catalog",
            "catalog",
        ),
    )
}


def render_reference() -> str:
    """The table as the Markdown page `docs/reference/findings.md`."""
    lines = [
        "# Findings of `gpuyard compat`",
        "",
        "Generated from `gpuyard.compat.codes`.",
        "Severity is the usual one: where the facts are unsure, the same code is a warning.",
        "A missing or null field is unknown and never an error.",
        "",
    ]
    for item in CODES.values():
        lines += [
            f"## {item.code}",
            "",
            item.meaning,
            "",
            f"- Severity: {item.severity}",
            f"- Example: {item.example}",
            f"- Fix: {item.fix}",
            f"- Source: {item.source} (as of {item.as_of})",
            "",
        ]
    return "\n".join(lines)
