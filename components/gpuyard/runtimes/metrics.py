"""What engines call the signals that gpuyard normalises: one table for rules, scalers and readers.

Newest name first; older ones stay because any version may run. Names and renames were read in the
engines' sources, 2026-08 to 2026-11: vLLM renamed the KV gauge in 0.12 and the token latency in 0.15.
"""

from collections.abc import Mapping

SERIES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "requests_running": {
        "vllm": ("vllm:num_requests_running",),
        "sglang": ("sglang:num_running_reqs",),
        "tgi": ("tgi_batch_current_size",),
        "tensorrt-llm": ("trtllm_num_requests_running",),
    },
    "requests_waiting": {
        "vllm": ("vllm:num_requests_waiting",),
        "sglang": ("sglang:num_queue_reqs",),
        "tgi": ("tgi_queue_size",),
        "tensorrt-llm": ("trtllm_num_requests_waiting",),
    },
    "kv_cache_used_ratio": {
        "vllm": ("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"),  # 0 to 1 despite the name
        "sglang": ("sglang:token_usage",),
        "tensorrt-llm": ("trtllm_kv_cache_utilization",),
    },
    "preemptions": {
        "vllm": ("vllm:num_preemptions_total",),
        "sglang": ("sglang:num_retracted_requests_total",),
    },
    "tokens_generated": {
        "vllm": ("vllm:generation_tokens_total",),
        "sglang": ("sglang:generation_tokens_total",),
        "tgi": ("tgi_request_generated_tokens_sum",),
    },
    "tokens_prompt": {
        "vllm": ("vllm:prompt_tokens_total",),
        "sglang": ("sglang:prompt_tokens_total",),
        "tgi": ("tgi_request_input_length_sum",),
    },
    "requests_finished": {
        "vllm": ("vllm:request_success_total",),
        "sglang": ("sglang:num_requests_total",),
        "tgi": ("tgi_request_count",),
    },
    "requests_failed": {
        "vllm": ('vllm:request_success_total{finished_reason="error"}',),
        "sglang": ("sglang:num_aborted_requests_total",),
        "tgi": ("tgi_request_failure",),
    },
    "time_to_first_token_seconds": {
        "vllm": ("vllm:time_to_first_token_seconds_bucket",),
        "sglang": ("sglang:time_to_first_token_seconds_bucket",),
    },
    "inter_token_latency_seconds": {
        "vllm": ("vllm:inter_token_latency_seconds_bucket", "vllm:time_per_output_token_seconds_bucket"),
        "sglang": (
            "sglang:inter_token_latency_seconds_bucket",
            "sglang:time_per_output_token_seconds_bucket",
        ),
        "tgi": ("tgi_request_mean_time_per_token_duration_bucket",),
    },
    "queue_seconds": {
        "vllm": ("vllm:request_queue_time_seconds_bucket",),
        "sglang": ("sglang:queue_time_seconds_bucket",),
        "tgi": ("tgi_request_queue_duration_bucket",),
    },
}
"""Signal to runtime to series, as PromQL selectors. A runtime that lacks a signal is not listed: TGI has
neither a KV gauge nor a time to first token."""


def series_of(runtime: str) -> Mapping[str, tuple[str, ...]]:
    """Signals of one runtime; empty for a custom image."""
    return {signal: named[runtime] for signal, named in SERIES.items() if runtime in named}
