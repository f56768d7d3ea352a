"""Combinations that are known to run, built from the catalog's own records; each names its source."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from gpuyard.catalog.hardware import gpus
from gpuyard.catalog.software_nodes import node_images, operator_releases
from gpuyard.catalog.software_runtimes import runtime_releases
from gpuyard.catalog.tables import read_csv, read_json

Case = tuple[str, dict[str, Any]]
RECIPE_GPUS = {
    "h100": "h100-sxm",
    "h200": "h200",
    "b200": "b200",
    "b300": "b300",
    "gb200": "gb200",
    "a100": "a100-80gb-sxm",
}


def recipes() -> Iterator[Case]:
    """Published recipes on the hardware that their authors verified, on enough GPUs for their memory."""
    for row in read_csv("model_recipes"):
        if not row["min_vllm_version"] or not row["vram_minimum_gb"]:
            continue
        for name in row["hardware_verified"].split():
            gpu = gpus().get(RECIPE_GPUS.get(name, ""))
            if gpu is None or not gpu.memory_gb:
                continue
            count = next((n for n in (1, 2, 4, 8) if n * gpu.memory_gb >= float(row["vram_minimum_gb"])), 0)
            if not count or ("fp4" in row["precision"] and not gpu.native_fp4):
                continue
            newest = max(
                row["min_vllm_version"], "0.24.0", key=lambda text: [int(n) for n in re.findall(r"\d+", text)]
            )
            yield row["source"], {
                "gpu": name, "gpu_count": count, "model": row["model_id"], "quantization": row["precision"],
                "runtime": "vllm", "runtime_version": newest, "install": "docker", "driver": "580.126.09",
                "platform": "bare", "datacenter_gpu": True,
            }  # fmt: skip


def measurements() -> Iterator[Case]:
    """Published throughputs: what was measured ran."""
    for row in read_json("throughput")["throughput"]:
        engine = str(row["engine"])
        size = re.fullmatch(r"TP(\d+)", str(row["parallel"] or ""))
        if "vLLM" not in engine and "SGLang" not in engine and "TensorRT" not in engine:
            continue
        if not size and not row["gpus"]:
            continue
        parts = int(size[1]) if size else None
        yield row["source"], {
            "gpu": row["gpu"], "gpu_count": row["gpus"] or parts, "model": row["model"],
            "quantization": row["precision"], "runtime": engine,
            "tensor_parallel": parts,
        }  # fmt: skip


def releases() -> Iterator[Case]:
    """Every vLLM release on every GPU that it has machine code for, with the native driver of its CUDA."""
    drivers: dict[tuple[int, ...], str] = {
        (12, 1): "535.309.01",
        (12, 4): "550.163.01",
        (12, 8): "570.211.01",
        (12, 9): "575.57.08",
        (13, 0): "580.126.20",
    }
    cards = [
        "t4",
        "a10g",
        "a100-80gb-sxm",
        "l4",
        "l40s",
        "h100-sxm",
        "h200",
        "b200",
        "rtx-pro-6000",
        "rtx-4090",
        "rtx-3090",
        "rtx-5090",
    ]
    for release in runtime_releases("vllm"):
        for name in cards:
            other = {"rtx-3090": (8, 6)}.get(name)
            sm = other or tuple(int(part) for part in gpus()[name].sm.split("."))
            if not any(code[0] == sm[0] and code[1] <= sm[1] for code in release.sass):
                continue
            driver = drivers[release.image_cuda[:2]]
            if sm >= (10, 0):
                driver = max(driver, "575.57.08")
            yield release.source, {
                "gpu": name, "driver": driver, "runtime": "vllm", "runtime_version": f"v{release.version}",
                "image": release.image, "install": "docker", "platform": "kubernetes",
                "dtype": "half" if name == "t4" else "bfloat16",
            }  # fmt: skip


NEWER_THAN = {"460": ("g5", "g6", "p5"), "470": ("g6", "p5")}
"""Machine types that came after a branch: A10G after 460, Ada and Hopper after 470."""


def eks_images() -> Iterator[Case]:
    """EKS images with GPUs that AWS sold when they came out."""
    for row in node_images():
        if not row.image.startswith(("AL2023_x86", "AL2_x86")) or not row.last_release:
            continue
        for instance in ("g4dn.xlarge", "g5.xlarge", "g6.xlarge", "p4d.24xlarge", "p5.48xlarge"):
            if instance[:2] in NEWER_THAN.get(row.driver[:3], ()):
                continue
            yield row.source, {
                "platform": "eks", "kubernetes": row.kubernetes, "ami": f"{row.image} v{row.last_release}",
                "instance": instance, "driver": row.driver, "driver_managed_by": "image",
            }  # fmt: skip


def operators() -> Iterator[Case]:
    """GPU Operator releases with their default driver on Ubuntu, at both ends of their Kubernetes range."""
    for row in operator_releases():
        for kubernetes in {row.kubernetes_min, row.kubernetes_max} - {()}:
            for gpu in ("t4", "a100-80gb-sxm", "l4", "h100-sxm"):
                yield row.source, {
                    "platform": "kubernetes", "os": "Ubuntu 22.04", "gpu_operator": row.version, "gpu": gpu,
                    "driver": row.default_driver, "driver_managed_by": "operator",
                    "kubernetes": f"{kubernetes[0]}.{kubernetes[1]}", "containerd": "1.7.27",
                }  # fmt: skip


def published() -> Iterator[Case]:
    """Combinations from other projects' configurations and from documentation, one line each."""
    for file in sorted((Path(__file__).parent / "known_good").glob("*.yaml")):
        for row in yaml.safe_load(file.read_text(encoding="utf-8")):
            yield row["source"], row["combination"]


def all_cases() -> list[Case]:
    """All of them."""
    return [*recipes(), *measurements(), *releases(), *eks_images(), *operators(), *published()]
