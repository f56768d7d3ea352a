"""Reading a combination: free-form values as versions, names and rows of the catalog."""

import re
from collections.abc import Mapping

from gpuyard.catalog.software import Version, parse_version
from gpuyard.catalog.software_nodes import find_operator
from gpuyard.catalog.software_runtimes import find_release
from gpuyard.compat.build import ngc_month, read_cuda, read_engine, read_install, read_version
from gpuyard.compat.chart_fields import with_chart_fields
from gpuyard.compat.checkpoint import read_dtype, read_model, read_quantization
from gpuyard.compat.combination import Combination
from gpuyard.compat.environment import read_env
from gpuyard.compat.facts import Facts
from gpuyard.compat.flag_fields import with_flag_fields
from gpuyard.compat.gke_pool import names_installer, pool_driver
from gpuyard.compat.machine import (
    find_machine,
    largest_memory,
    read_arch,
    read_form,
    read_gpu,
    slice_memory,
    with_named_machine,
)
from gpuyard.compat.place import read_image_driver, read_instance, read_kubernetes, read_platform
from gpuyard.compat.spelling import INSTALLER, engine_of, plain, read_driver, read_manager, read_sm
from gpuyard.compat.systems import read_system

_NOMINAL = 1.08
"""How much more than the driver reports a card's nominal memory is at most (A10G: 24576 to 22888 MiB)."""

_INSTALLED_BY_HAND = re.compile(rf"{INSTALLER}|^(nvidia )?(gpu[ -]?)?operator\b|manual")
"""Who installs a driver where GKE is told not to."""


def read_facts(given: Combination) -> Facts:
    """Read every field of a combination, and what its command line says where a field says nothing."""
    env, flags = read_env(given.env)
    given = with_named_machine(with_chart_fields(with_flag_fields(given, flags, env), env))
    instance = read_instance(given)
    machine = find_machine(given.instance)
    gpu, name, other = read_gpu(given, machine, instance)
    image = plain(given.image).partition("@")[0]
    runtime_text = plain(given.runtime) or engine_of(image)
    runtime = read_engine(given, runtime_text, image)
    version = read_version(given, runtime_text, image)
    release, is_newer = find_release(runtime, version) if runtime else (None, False)
    install = read_install(given, image)
    cuda, cuda_is_given = read_cuda(given, image, runtime, version, release, install)
    platform = read_platform(given)
    told = f"{plain(given.os)} {plain(given.ami)}".strip()
    autopilot = "autopilot" in f"{plain(given.platform)} {instance}"
    system, glibc = read_system(f"{told} autopilot" if autopilot else told)
    if not told and not autopilot:
        system, glibc = read_system(plain(given.platform))
    kubernetes = read_kubernetes(given)
    driver, branch = _driver(given, kubernetes)
    model = read_model(given.model)
    sm = read_sm(given.sm) or (parse_version(gpu.sm) if gpu and gpu.sm[:1].isdigit() else ())
    named = gpu.memory_mib if gpu and machine else largest_memory(plain(given.gpu), gpu)
    memory = _memory(given.gpu_mem_mib, named or (other.memory_mib if other else None))
    datacenter = (
        given.datacenter_gpu if given.datacenter_gpu is not None else (gpu.datacenter if gpu else None)
    )
    if other is not None:
        sm = sm or parse_version(other.sm)
        datacenter = other.datacenter if datacenter is None else datacenter
    return Facts(
        given=given,
        gpu=gpu,
        other_gpu=other,
        gpu_name=gpu.id if gpu else name,
        gpu_count=given.gpu_count or (machine.gpu_count if machine else None),
        memory_mib=slice_memory(given.mig, given.gpu_mem_mib) or (int(memory) if memory else None),
        sm=sm,
        datacenter=datacenter,
        form=read_form(name, gpu.form if gpu else other.form if other else ""),
        machine=machine,
        instance=instance,
        platform=platform,
        os=system,
        node_image=_node_image(given),
        kubernetes=kubernetes,
        driver=driver,
        branch=branch,
        manager=_manager(given, env),
        runtime=runtime,
        runtime_text=runtime_text,
        version=version,
        release=release,
        is_newer=is_newer,
        install=install,
        image=image,
        cuda=cuda,
        cuda_is_given=cuda_is_given,
        month=ngc_month(given, image),
        arch=read_arch(given, gpu, machine),
        glibc=parse_version(given.glibc) if given.glibc is not None else glibc,
        env=env,
        flags=flags,
        model=model,
        model_name=str(given.model or ""),
        quantization=read_quantization(given, model),
        dtype=read_dtype(given.dtype),
        mig=_mig(given.mig),
    )


def _node_image(given: Combination) -> str:
    """System and image, the system with its words apart as well: ``oracle-linux-9 oracle linux 9``."""
    system = plain(given.os)
    apart = re.sub("[-_]+", " ", system)
    return " ".join(dict.fromkeys(part for part in (system, apart, plain(given.ami)) if part))


def _memory(given: float | None, catalog: int | None) -> float | None:
    """What the driver reports: people write the nominal size, which may be more."""
    if given and catalog and catalog < given < catalog * _NOMINAL:
        return catalog
    return given or catalog


def _driver(given: Combination, kubernetes: Version) -> tuple[Version, int | None]:
    driver, branch = read_driver(given.driver) if given.driver is not None else ((), None)
    if branch is None and given.driver_branch is not None:
        driver, branch = read_driver(given.driver_branch)
    if branch is not None:
        return driver, branch
    derived = read_image_driver(given, kubernetes)
    if not derived and read_manager(given.driver_managed_by) == "operator":
        release = find_operator(given.gpu_operator) if given.gpu_operator else None
        derived = release.default_driver if release else ""
    return read_driver(derived) if derived else ((), None)


def _manager(given: Combination, env: Mapping[str, str]) -> str:
    """Who installs the driver; what a GKE node pool says of it (``gpu-driver-version``) comes first."""
    words = "" if given.env is None else str(given.env).lower()
    pool = pool_driver(env, words)
    stated = read_manager(given.driver_managed_by)
    if "disabled" in pool:
        if _INSTALLED_BY_HAND.search(plain(given.driver_managed_by)):
            return stated
        return "cloud" if names_installer(words) else "none"
    return "cloud" if pool else stated


def _mig(value: object) -> str:
    text = plain(value)
    if text in ("", "false", "none", "off", "disabled", "no", "0"):
        return ""
    return text
