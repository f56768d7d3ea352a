"""A local HTTP server that answers as Google's APIs do, from the client libraries' own message classes.

Everything it says is synthetic. A request for which it has no route is remembered in `unknown`.
"""

import json
import re
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from google.auth.credentials import AnonymousCredentials
from google.cloud import compute_v1 as compute

from gpuyard.discovery.gcp.client import GcpClients

PROJECT = "synthetic"
_PROJECT = rf"/compute/v1/projects/{PROJECT}"
ROUTES = {
    ("GET", rf"{_PROJECT}/regions"): "regions.list",
    ("GET", rf"{_PROJECT}/zones"): "zones.list",
    ("GET", rf"{_PROJECT}/aggregated/(\w+)"): "{}.aggregatedList",
    ("GET", _PROJECT): "projects.get",
    ("POST", rf"{_PROJECT}/regions/([\w-]+)/advice/(\w+)"): "advice.{}",
    (
        "GET",
        rf"/v1/projects/{PROJECT}/locations/global/services/compute.googleapis.com/quotaInfos",
    ): "quotaInfos.list",
    ("GET", rf"/v1/projects/{PROJECT}/locations/global/quotaPreferences"): "quotaPreferences.list",
    (
        "GET",
        rf"/v1/projects/{PROJECT}/locations/[\w-]+/clusters/[\w-]+/nodePools/[\w-]+",
    ): "nodePools.get",
    (
        "GET",
        rf"{_PROJECT}/zones/[\w-]+/instanceGroupManagers/[\w-]+/listErrors",
    ): "instanceGroupManagers.listErrors",
    ("GET", r"/v1/services/6F81-5844-456A/skus"): "services.skus.list",
}


@dataclass(frozen=True)
class Refused:
    """An HTTP error with Google's JSON body."""

    status: int
    message: str
    reason: str = "forbidden"
    details: tuple = ()

    @property
    def body(self):
        errors = [{"message": self.message, "domain": "global", "reason": self.reason}]
        return {"code": self.status, "message": self.message, "errors": errors, "details": list(self.details)}


def disabled(service):
    """That a service is off, as Google says it (shape: google.rpc.ErrorInfo)."""
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "SERVICE_DISABLED",
        "domain": "googleapis.com",
        "metadata": {"service": f"{service}.googleapis.com"},
    }
    message = f"{service} API has not been used in project {PROJECT} before or it is disabled."
    return Refused(403, message, "accessNotConfigured", (info,))


class GoogleDouble:
    """Answers by method: a message, or a function of (region, query, body) that gives one."""

    def __init__(self, url, answers):
        self.url = url
        self.answers = {**EMPTY, **answers}
        self.calls, self.unknown = [], []

    def clients(self, seconds=60, credentials=None):
        """The survey's own clients, answered by this double."""
        hosts = dict.fromkeys(("compute", "cloudquotas", "cloudbilling", "container"), self.url)
        return GcpClients(
            credentials or AnonymousCredentials(), PROJECT, time.monotonic() + seconds, hosts=hosts
        )

    def called(self, operation):
        """Bodies and queries of the calls of one method."""
        return [(query, body) for name, query, body in self.calls if name == operation]

    def respond(self, verb, path, query, body):
        """Status and JSON text of one request."""
        for (route_verb, pattern), name in ROUTES.items():
            match = re.fullmatch(pattern, path)
            if match and route_verb == verb:
                parts = match.groups()
                operation = name.format(parts[-1]) if parts else name
                region = parts[0] if len(parts) == 2 else ""
                self.calls.append((operation, query, body))
                return self._said(self.answers[operation], region, query, body)
        self.unknown.append(f"{verb} {path}")
        return 404, "{}"

    @staticmethod
    def _said(answer, region, query, body):
        said = answer(region, query, body) if callable(answer) else answer
        if isinstance(said, Refused):
            return said.status, json.dumps({"error": said.body})
        if isinstance(said, dict):  # Kubernetes Engine, whose client is no dependency
            return 200, json.dumps(said)
        as_json = partial(type(said).to_json, always_print_fields_with_no_presence=False)
        return 200, as_json(said, use_integers_for_enums=False)


@contextmanager
def google(**answers):
    """A running double; names are methods with ``__`` for the dot: ``regions__list``."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            url = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            status, text = double.respond(self.command, url.path, dict(parse_qsl(url.query)), body)
            with suppress(BrokenPipeError):  # the client gave up waiting
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(text.encode())

        do_GET = do_POST = answer  # noqa: N815 (the server's names)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        httpd.daemon_threads = True
        thread = threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        named = {name.replace("__", "."): answer for name, answer in answers.items()}
        double = GoogleDouble(f"http://127.0.0.1:{httpd.server_port}", named)
        try:
            yield double
        finally:
            httpd.shutdown()
            thread.join()
    assert double.unknown == []


def _empty():
    from google.cloud import billing_v1, cloudquotas_v1

    return {
        "regions.list": compute.RegionList(),
        "zones.list": compute.ZoneList(),
        "machineTypes.aggregatedList": compute.MachineTypeAggregatedList(),
        "acceleratorTypes.aggregatedList": compute.AcceleratorTypeAggregatedList(),
        "reservations.aggregatedList": compute.ReservationAggregatedList(),
        "futureReservations.aggregatedList": compute.FutureReservationsAggregatedListResponse(),
        "instances.aggregatedList": compute.InstanceAggregatedList(),
        "projects.get": compute.Project(),
        "advice.calendarMode": compute.CalendarModeAdviceResponse(),
        "advice.capacity": compute.CapacityAdviceResponse(),
        "advice.capacityHistory": compute.CapacityHistoryResponse(),
        "quotaInfos.list": cloudquotas_v1.ListQuotaInfosResponse(),
        "quotaPreferences.list": cloudquotas_v1.ListQuotaPreferencesResponse(),
        "services.skus.list": billing_v1.ListSkusResponse(),
    }


EMPTY = _empty()
