"""What dcgm-exporter measures: its built-in set leaves out the fields that tell of faults.

Names are those of dcgm-exporter up to 4.8; 4.9 renames 23 of them, so `values` pins the exporter's image. A
field that the exporter does not know stops it, so every name here is in the default list of 4.5 to 4.8,
there partly behind a ``#``.
"""

from collections.abc import Mapping

METRICS: Mapping[str, tuple[str, str]] = {
    "DCGM_FI_DEV_SM_CLOCK": ("gauge", "SM clock (MHz)"),
    "DCGM_FI_DEV_MEM_CLOCK": ("gauge", "memory clock (MHz)"),
    "DCGM_FI_DEV_GPU_TEMP": ("gauge", "GPU temperature (C)"),
    "DCGM_FI_DEV_MEMORY_TEMP": ("gauge", "memory temperature (C)"),
    "DCGM_FI_DEV_POWER_USAGE": ("gauge", "power draw (W)"),
    "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION": ("counter", "energy since boot (mJ)"),
    "DCGM_FI_DEV_GPU_UTIL": ("gauge", "GPU utilisation (%)"),
    "DCGM_FI_DEV_MEM_COPY_UTIL": ("gauge", "memory interface utilisation (%)"),
    "DCGM_FI_DEV_ENC_UTIL": ("gauge", "encoder utilisation (%)"),
    "DCGM_FI_DEV_DEC_UTIL": ("gauge", "decoder utilisation (%)"),
    "DCGM_FI_DEV_FB_USED": ("gauge", "memory used (MiB)"),
    "DCGM_FI_DEV_FB_FREE": ("gauge", "memory free (MiB)"),
    "DCGM_FI_DEV_FB_RESERVED": ("gauge", "memory reserved (MiB)"),
    "DCGM_FI_DEV_XID_ERRORS": ("gauge", "last XID error since the driver loaded; it never resets"),
    "DCGM_EXP_XID_ERRORS_COUNT": ("gauge", "XID errors in the last five minutes by code"),
    "DCGM_EXP_CLOCK_EVENTS_COUNT": ("gauge", "clock events in the last five minutes by reason"),
    "DCGM_FI_DEV_POWER_VIOLATION": ("counter", "time throttled by power"),
    "DCGM_FI_DEV_THERMAL_VIOLATION": ("counter", "time throttled by heat"),
    "DCGM_FI_DEV_BOARD_LIMIT_VIOLATION": ("counter", "time throttled by board limits"),
    "DCGM_FI_DEV_RELIABILITY_VIOLATION": ("counter", "time throttled by reliability limits"),
    "DCGM_FI_DEV_ECC_SBE_VOL_TOTAL": ("counter", "single-bit ECC errors since the driver loaded"),
    "DCGM_FI_DEV_ECC_DBE_VOL_TOTAL": ("counter", "double-bit ECC errors since the driver loaded"),
    "DCGM_FI_DEV_ECC_SBE_AGG_TOTAL": ("counter", "single-bit ECC errors over the life of the GPU"),
    "DCGM_FI_DEV_ECC_DBE_AGG_TOTAL": ("counter", "double-bit ECC errors over the life of the GPU"),
    "DCGM_FI_DEV_RETIRED_SBE": ("counter", "pages retired for single-bit errors"),
    "DCGM_FI_DEV_RETIRED_DBE": ("counter", "pages retired for double-bit errors"),
    "DCGM_FI_DEV_RETIRED_PENDING": ("counter", "pages that wait for retirement"),
    "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS": ("counter", "rows remapped for uncorrectable errors"),
    "DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS": ("counter", "rows remapped for correctable errors"),
    "DCGM_FI_DEV_ROW_REMAP_FAILURE": ("gauge", "whether remapping of a row failed"),
    "DCGM_FI_DEV_PCIE_REPLAY_COUNTER": ("counter", "PCIe retries"),
    "DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL": ("counter", "NVLink traffic of all lanes (MB/s)"),
    "DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL": ("counter", "NVLink flow-control CRC errors"),
    "DCGM_FI_DEV_NVLINK_CRC_DATA_ERROR_COUNT_TOTAL": ("counter", "NVLink data CRC errors"),
    "DCGM_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL": ("counter", "NVLink retries"),
    "DCGM_FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL": ("counter", "NVLink recoveries"),
    "DCGM_FI_PROF_GR_ENGINE_ACTIVE": ("gauge", "share of time the graphics engine was active"),
    "DCGM_FI_PROF_SM_ACTIVE": ("gauge", "share of cycles with a warp on an SM"),
    "DCGM_FI_PROF_SM_OCCUPANCY": ("gauge", "share of warps resident on an SM"),
    "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE": ("gauge", "share of cycles the tensor cores were active"),
    "DCGM_FI_PROF_DRAM_ACTIVE": ("gauge", "share of cycles the memory interface was active"),
    "DCGM_FI_PROF_PCIE_TX_BYTES": ("gauge", "bytes sent over PCIe per second"),
    "DCGM_FI_PROF_PCIE_RX_BYTES": ("gauge", "bytes received over PCIe per second"),
    "DCGM_FI_DRIVER_VERSION": ("label", "driver version"),
}
"""Field to type and help. A custom CSV replaces the built-in set, so all that is wanted is here."""


def render_metrics_csv() -> str:
    """The exporter's ``dcgm-metrics.csv``."""
    return "".join(f"{name}, {kind}, {text}\n" for name, (kind, text) in METRICS.items())
