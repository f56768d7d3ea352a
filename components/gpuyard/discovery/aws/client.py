"""boto3 clients that only read, wait for nobody forever, and retry throttling alone."""

import random
import threading
import time
from collections.abc import Callable
from typing import Any

from gpuyard.discovery.actions import find_action

CONNECT_SECONDS = 5
READ_SECONDS = 20
THROTTLES = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "PriorRequestNotComplete",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
"""Codes that mean "later" (botocore 1.44 `retries/standard.py`)."""
ATTEMPTS = 6


class AwsClients:
    """One client per service and region, made when first used."""

    def __init__(
        self, session: Any, deadline: float, *, endpoint_url: str | None = None, pool: int = 16
    ) -> None:
        self._session, self._deadline, self._endpoint = session, deadline, endpoint_url
        self._pool = pool
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str], Any] = {}

    def __call__(self, service: str, region: str) -> Any:
        """The client of ``service`` in ``region``."""
        with self._lock:  # making a client is not safe among threads
            if (service, region) not in self._clients:
                self._clients[service, region] = self._make(service, region)
            return self._clients[service, region]

    def _make(self, service: str, region: str) -> Any:
        from botocore.config import Config  # noqa: PLC0415 (0.3 s that only a survey needs)

        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": 1},
            max_pool_connections=self._pool,
            user_agent_extra="gpuyard",
        )
        client = self._session.client(service, region_name=region, config=config, endpoint_url=self._endpoint)
        secure(client, self._deadline)
        return client


def secure(client: Any, deadline: float, sleep: Callable[[float], None] = time.sleep) -> None:
    """Let ``client`` call only what the table lists, and wait out throttling until ``deadline``."""
    service = client.meta.service_model.service_name

    def check(model: Any, **_: Any) -> None:
        find_action("aws", service, model.name)

    def retry(response: Any, attempts: int, **_: Any) -> float | None:
        if response is None or attempts >= ATTEMPTS:
            return None
        code = response[1].get("Error", {}).get("Code", "")
        wait = _back_off(attempts)
        if code not in THROTTLES or time.monotonic() + wait > deadline:
            return None
        sleep(wait)
        return 0

    identifier = client.meta.service_model.service_id.hyphenize()
    client.meta.events.register_first(f"before-call.{identifier}", check)
    client.meta.events.register_first(f"needs-retry.{identifier}", retry)


def _back_off(attempts: int) -> float:
    """Seconds before the next attempt: doubling from half a second, 20 s at most, half of it random."""
    longest = min(20.0, 0.5 * 2 ** (attempts - 1))
    return longest * random.uniform(0.5, 1)  # noqa: S311 (spreads retries, no secret)
