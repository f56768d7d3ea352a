"""Look-ups of drivers, CUDA, runtimes, node images, operator and Kubernetes releases."""

from datetime import date

import pytest

from gpuyard.catalog.hardware import gpus
from gpuyard.catalog.software import cuda_floors, cuda_toolkits, driver_branches, other_gpus, parse_version
from gpuyard.catalog.software_gke import gke_gpus, read_gke_version
from gpuyard.catalog.software_images import amd64_images
from gpuyard.catalog.software_kernels import kernel_code
from gpuyard.catalog.software_nodes import (
    bottlerocket_driver,
    driver_exclusions,
    eks_image_driver,
    find_operator,
    kubernetes_versions,
    operator_releases,
    operator_systems,
)
from gpuyard.catalog.software_runtimes import find_release, release_key, runtime_releases, torch_releases


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("v0.8.5.post1", (0, 8, 5)),
        ("580.95.05", (580, 95, 5)),
        ("none", ()),
        ("v1.17.8-ubuntu20.04", (1, 17, 8)),
    ],
)
def test_versions_are_numbers(text: str, numbers: tuple[int, ...]) -> None:
    assert parse_version(text) == numbers


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("vLLM v0.8.5.post1", (0, 8, 5, 1)),
        ("0.9.0.1", (0, 9, 0, 1)),
        ("3.2.x-3.3.0", (3, 2, 0, 0)),
        ("nightly", ()),
    ],
)
def test_release_keys_order_post_releases(text: str, key: tuple[int, ...]) -> None:
    assert release_key(text) == key


def test_cuda_13_needs_driver_580() -> None:
    assert cuda_floors()[13] == (580, 65, 6)
    assert cuda_toolkits()["12.8"].native_driver == (570, 86, 10)
    assert cuda_toolkits()["13.4"].native_driver == ()


def test_each_vllm_release_is_known_with_cuda_and_machine_code() -> None:
    releases = runtime_releases("vllm")
    assert len(releases) == 65
    assert all(release.image_cuda and release.sass and release.glibc for release in releases)
    assert [release.key for release in releases] == sorted(release.key for release in releases)
    by_version = {release.version: release for release in releases}
    assert (12, 0) not in by_version["0.9.1"].sass
    assert by_version["0.20.0"].glibc == (2, 35)
    assert (7, 0) in by_version["0.19.1"].sass
    assert (7, 0) not in by_version["0.20.0"].sass


def test_kernels_of_a_release_run_or_are_compiled_by_the_driver() -> None:
    flash = kernel_code("flash_attn_2", (0, 9, 1, 0))
    assert flash is not None
    assert [flash.runs_on(sm) for sm in ((7, 5), (8, 9), (9, 0), (10, 3), (12, 0))] == [
        False, True, True, True, False,
    ]  # fmt: skip
    assert not flash.is_compiled_for((12, 0))
    newest = kernel_code("flash_attn_2", ())
    assert newest is not None
    assert (newest.runs_on((8, 9)), newest.is_compiled_for((8, 9))) == (True, False)
    assert (newest.runs_on((9, 0)), newest.is_compiled_for((9, 0))) == (False, True)
    assert not newest.is_compiled_for((7, 5))
    assert kernel_code("flash_attn_2", (0, 3, 0, 0)) is None


@pytest.mark.parametrize(
    ("release", "sm", "runs"),
    [
        ((0, 10, 0, 0), (10, 0), True),
        ((0, 10, 0, 0), (12, 0), False),
        ((0, 19, 1, 0), (12, 0), True),
        ((0, 19, 1, 0), (12, 1), False),
        ((0, 19, 1, 0), (10, 3), False),
        ((0, 20, 0, 0), (12, 1), True),
        ((0, 20, 0, 0), (10, 3), True),
        ((0, 20, 0, 0), (9, 0), False),
    ],
)
def test_code_for_one_gpu_alone_is_not_for_its_family(
    release: tuple[int, ...], sm: tuple[int, ...], runs: bool
) -> None:
    code = kernel_code("fp4", release)
    assert code is not None
    assert code.runs_on(sm) is runs


def test_a_release_between_two_is_the_earlier_and_one_after_the_last_is_newer() -> None:
    found, newer = find_release("vllm", (0, 22, 7, 0))
    assert found is not None
    assert (found.version, newer) == ("0.22.1", False)
    found, newer = find_release("vllm", (0, 40, 0, 0))
    assert found is not None
    assert (found.version, newer) == ("0.33.0", True)
    assert find_release("vllm", (0, 1, 0, 0)) == (None, False)


def test_every_other_table_loads_with_source_and_date() -> None:
    rows = [
        *runtime_releases("sglang"), *runtime_releases("tgi"), *runtime_releases("tensorrt-llm"),
        *torch_releases().values(), *operator_releases(), *operator_systems().values(),
        *other_gpus().values(),
        *kubernetes_versions().values(), *driver_branches().values(), *cuda_toolkits().values(),
    ]  # fmt: skip
    assert all(row.source and row.as_of for row in rows)


def test_an_eks_image_release_names_its_driver() -> None:
    assert eks_image_driver("AL2023_x86_64_NVIDIA", "1.33", "20260714") == "580.159.03"
    assert eks_image_driver("AL2023_x86_64_NVIDIA", "1.33", "20300101") == ""


def test_operator_releases_are_found_by_any_spelling() -> None:
    for text in ("v25.10.1", "25.10.1", "gpu-operator v25.10.1"):
        found = find_operator(text)
        assert found is not None
        assert found.default_driver == "580.105.08"


def test_support_windows_are_computed_from_dates() -> None:
    row = kubernetes_versions()["eks", "1.31"]
    assert row.is_supported(date(2026, 11, 26)) is True
    assert row.is_supported(date(2026, 11, 27)) is False
    assert kubernetes_versions()["eks", "1.37"].is_supported(date(2026, 11, 27)) is None


@pytest.mark.parametrize(
    ("release", "kubernetes", "driver"),
    [
        ("1.62.0", "1.36", "580.159.03"),
        ("1.62.1", "1.36", "580"),  # between two releases of one branch
        ("1.47.0", "1.32", "570.172.08"),
        ("1.47.0", "1.34", "580.65.06"),
        ("1.20.1", "1.23", "470.256.02"),
        ("1.35.0", "1.31", ""),  # somewhere between 535 and 570
        ("1.68.0", "1.37", ""),  # two drivers
        ("1.0.0", "1.21", ""),
        ("1.99.0", "1.36", ""),  # newer than the table
    ],
)
def test_the_driver_of_a_bottlerocket_release(release: str, kubernetes: str, driver: str) -> None:
    assert bottlerocket_driver(release, kubernetes) == driver


def test_excluded_drivers_name_one_that_is_not_excluded() -> None:
    for rows in driver_exclusions().values():
        for row in rows:
            assert int(row.instead.split(".")[0]) not in row.branches
            assert row.reason
            assert row.source


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("1.34.3-gke.1318000", (1, 34, 3, 1318000)),
        ("v1.33", (1, 33)),
        ("1.31.4", (1, 31, 4)),
        ("latest", ()),
    ],
)
def test_a_gke_version_keeps_its_build(text: str, version: tuple[int, ...]) -> None:
    assert read_gke_version(text) == version


def test_what_gke_asks_of_a_gpu_is_in_order() -> None:
    assert gke_gpus()
    for name, row in gke_gpus().items():
        assert name in gpus()
        assert all(asked[:3] >= row.first[:3] for asked in row.asked)
        assert row.source


def test_images_of_amd64_alone_are_replaced_by_names_that_are_not_among_them():
    known = "ggerganov/llama.cpp:server-cuda", "ggml-org/llama.cpp:server-cuda-b8000", "infiniflow/ragflow:v1"
    for name in known:
        row = next(row for row in amd64_images() if row.pattern.search(name))
        other = row.pattern.sub(row.instead, name) if row.instead else ""
        assert not any(kin.pattern.search(other) for kin in amd64_images()), other
    assert all(row.source and row.as_of for row in amd64_images())
