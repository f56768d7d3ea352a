"""SGLang's table of which slots of the cache each request's tokens are in: requests times context.

It comes on top of the share of the GPU that weights and cache take (`model_runner.py`, ReqToTokenPool): 80.04
GiB were asked for at 10,485,760 tokens.
"""

import re
from collections.abc import Iterator

from gpuyard.compat.facts import Facts
from gpuyard.compat.memory_fixes import cache_fixes
from gpuyard.compat.problem import Problem, set_field
from gpuyard.compat.sizes import size_date, size_source
from gpuyard.compat.sourced import join_sources
from gpuyard.planning.memory import visible_bytes
from gpuyard.units import format_bytes

REPORTED = "sgl-project/sglang#5755 (2025-04-25)"
REQUESTS_LEAST = 2048
"""Requests that a server is ready for, whatever its cache holds, if nobody says fewer."""
_SLOT_BYTES = 4
_BESIDE = 0.25
"""Share of a GPU that SGLang leaves beside weights and cache, at most, where nobody states one."""
_LIMIT = "--max-running-requests"
_FEW = 16


def request_table_problems(facts: Facts) -> Iterator[Problem]:
    """A table that does not fit beside weights and cache."""
    if facts.runtime != "sglang" or facts.model is None or not facts.memory_mib:
        return
    tokens = int(facts.given.max_model_len or 0) or facts.model.context
    requests = _requests(facts)
    table = requests * tokens * _SLOT_BYTES
    seen = visible_bytes(facts.memory_mib)
    beside = seen * max(_BESIDE, 1 - (facts.given.gpu_memory_utilization or 1))
    if table <= beside:
        return
    longest = int(beside / requests / _SLOT_BYTES)
    yield Problem(
        "MEMORY_KV",
        "max_model_len",
        f"SGLang's table of {requests} requests of {tokens} tokens takes {format_bytes(table)} "
        f"of each GPU beside weights and cache, which leave {format_bytes(beside)}",
        (
            *cache_fixes(facts, longest, tokens, whole_prefill=False),
            set_field("max_num_seqs", _FEW, f"add {_LIMIT} {_FEW}"),
        ),
        source=join_sources(REPORTED, size_source(facts)),
        as_of=size_date(facts),
    )


def _requests(facts: Facts) -> int:
    stated = next(iter(facts.flag_values(_LIMIT)), "")
    return int(facts.given.max_num_seqs or 0) or (
        int(stated) if re.fullmatch(r"[0-9]{1,9}", stated) else REQUESTS_LEAST
    )
