"""Google's APIs: google-cloud-compute for Compute Engine, REST for Cloud Quotas and Cloud Billing.

Calls go through the table of actions, wait for nobody forever, and are retried on throttling alone.
"""

import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from gpuyard.discovery.actions import Action, find_action

CALL_SECONDS = 30
SCOPE = "https://www.googleapis.com/auth/cloud-platform"


class GcpClients:
    """Clients of one project, each made when first used."""

    def __init__(
        self, credentials: Any, project: str, deadline: float, *, hosts: Mapping[str, str] | None = None
    ) -> None:
        self._credentials, self.project, self._deadline = credentials, project, deadline
        self._hosts = hosts or {}
        self._lock = threading.Lock()
        self._made: dict[str, Any] = {}
        self._answers: dict[str, Any] = {}
        self._locks: dict[str, threading.Lock] = {}

    @property
    def credentials_kind(self) -> str:
        """What kind of credentials they are, in words; never whose."""
        kinds = {"oauth2.credentials": "a user", "service_account": "a service account"}
        module = type(self._credentials).__module__
        found = [words for part, words in kinds.items() if part in module]
        return found[0] if found else "credentials of this machine or workload"

    def once(self, name: str, ask: Any) -> Any:
        """The answer of ``ask``, which several questions need: asked once, under a lock of its own."""
        with self._lock:
            lock = self._locks.setdefault(name, threading.Lock())
        with lock:
            if name not in self._answers:
                self._answers[name] = ask()
            return self._answers[name]

    def compute(self, operation: str, **request: Any) -> Any:
        """Call a method of Compute Engine, as ``machineTypes.aggregatedList``, and return what it gives."""
        action = find_action("gcp", "compute", operation)
        resource, _, method = operation.partition(".")
        client = self._compute_client(resource[:1].upper() + resource[1:] + "Client")
        call = getattr(client, re.sub(r"(?<!^)(?=[A-Z])", "_", method).lower())
        with blaming(action):
            answer = call(
                request={"project": self.project, **request}, timeout=CALL_SECONDS, retry=self._retry()
            )
        return _entries(action, answer) if hasattr(answer, "pages") else answer

    def pages(self, service: str, operation: str, path: str, field: str, **query: str) -> Iterator[Any]:
        """Entries of every page of a REST list."""
        action = find_action("gcp", service, operation)
        token = ""
        while True:
            with blaming(action):
                answer = self._get(service, path, {**query, "pageToken": token} if token else query)
            yield from answer.get(field, ())
            token = answer.get("nextPageToken", "")
            if not token:
                return

    def get(self, service: str, operation: str, path: str, **query: str) -> Mapping[str, Any]:
        """One REST resource, or one page of a list."""
        action = find_action("gcp", service, operation)
        with blaming(action):
            return self._get(service, path, query)

    def _compute_client(self, name: str) -> Any:
        with self._lock:
            if name not in self._made:
                from google.cloud import compute_v1  # noqa: PLC0415 (seconds that only a survey needs)

                kind = getattr(compute_v1, name)
                self._made[name] = kind(transport=self._transport(kind))
            return self._made[name]

    def _transport(self, kind: Any) -> Any:
        base = self._hosts.get("compute", "https://compute.googleapis.com")
        scheme, _, host = base.partition("://")
        return kind.get_transport_class("rest")(host=host, credentials=self._credentials, url_scheme=scheme)

    def _get(self, service: str, path: str, query: Mapping[str, str]) -> Mapping[str, Any]:
        from google.api_core.exceptions import from_http_response  # noqa: PLC0415

        def get() -> Mapping[str, Any]:
            response = self.session().get(url, params=dict(query), timeout=CALL_SECONDS)
            if not response.ok:
                raise from_http_response(response)
            return response.json()

        url = self._hosts.get(service, f"https://{service}.googleapis.com") + path
        return self._retry()(get)()

    def session(self) -> Any:
        """An HTTP session that logs in with the credentials."""
        from google.auth.transport.requests import AuthorizedSession  # noqa: PLC0415

        with self._lock:
            if "session" not in self._made:
                self._made["session"] = AuthorizedSession(self._credentials)
            return self._made["session"]

    def _retry(self) -> Any:
        from google.api_core.retry import Retry  # noqa: PLC0415

        left = max(self._deadline - time.monotonic(), 0.001)
        return Retry(predicate=is_throttle, initial=0.5, maximum=20, multiplier=2, timeout=left)


@contextmanager
def blaming(action: Action) -> Iterator[None]:
    """Mark an error with the action that raised it, for `action_of`."""
    try:
        yield
    except Exception as error:
        error.__dict__["gpuyard_action"] = action
        raise


def action_of(error: Exception) -> Action | None:
    """The action that raised the error; None: none did."""
    return error.__dict__.get("gpuyard_action")


def _entries(action: Action, pager: Any) -> Iterator[Any]:
    """Entries of every page, fetched while they are read; pairs where the answer is by zone.

    A zone that did not answer gives a pair of its name and None.
    """
    with blaming(action):
        for page in pager.pages:
            if action.operation.endswith(".aggregatedList"):
                yield from page.items.items()
                yield from ((zone, None) for zone in page.unreachables)
            else:
                yield from page.items


def is_throttle(error: Exception) -> bool:
    """Whether the error means "later": 429, or Compute's 403 with a rate limit as its reason."""
    from google.api_core.exceptions import Forbidden, TooManyRequests  # noqa: PLC0415

    if isinstance(error, TooManyRequests):
        return True
    return isinstance(error, Forbidden) and bool(
        {"rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED"} & reasons_of(error)
    )


def reasons_of(error: Any) -> set[str]:
    """The machine-readable reasons of a Google API error, of its old and new form."""
    found = {one.get("reason", "") for one in error.errors or () if isinstance(one, Mapping)}
    if error.reason:
        found.add(error.reason)
    for detail in error.details or ():
        reason = detail.get("reason", "") if isinstance(detail, Mapping) else getattr(detail, "reason", "")
        found.add(reason)
    return found - {""}
