"""Google Cloud: which project, and what the credentials may do there, as Google itself says.

`testIamPermissions` returns those of the listed permissions that the caller has; it changes nothing.
"""

import threading
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from gpuyard.discovery.actions import gcp_permissions
from gpuyard.discovery.doctor.check import Status, Verdict
from gpuyard.discovery.failure import KnownError
from gpuyard.discovery.gcp.explain import explain, role_with

TEST_PERMISSIONS = "https://cloudresourcemanager.googleapis.com/v1/projects/{project}:testIamPermissions"
CALL_SECONDS = 10
DEPLOYMENT = (
    "compute.networks.create",
    "compute.networks.updatePolicy",
    "compute.routers.create",
    "compute.subnetworks.create",
    "container.clusters.create",
    "container.clusters.get",
    "container.clusters.update",
    "container.operations.get",
    "iam.serviceAccounts.actAs",
    "iam.serviceAccounts.create",
    "resourcemanager.projects.getIamPolicy",
    "resourcemanager.projects.setIamPolicy",
)
"""Permissions behind the resources of a GKE stack (`gpuyard.gcp`)."""
OPTIONAL = frozenset({"compute.advice.calendarMode"})
"""Without them one kind of advice is missing, and the survey says so."""


class GcpAccess:
    """What several checks need of one project, looked up once."""

    def __init__(self, open_project: Any, url: str = TEST_PERMISSIONS) -> None:
        self._open, self._url = open_project, url
        self._lock = threading.Lock()

    def clients(self) -> Any:
        """The project's clients."""
        with self._lock:
            opened = self._opened
        if isinstance(opened, KnownError):
            raise opened
        return opened

    @cached_property
    def _opened(self) -> Any:
        try:
            return self._open()
        except KnownError as error:
            return error

    def granted(self, permissions: Sequence[str]) -> set[str]:
        """Those of ``permissions`` that the credentials have on the project."""
        from google.api_core.exceptions import from_http_response  # noqa: PLC0415

        clients = self.clients()
        response = clients.session().post(
            self._url.format(project=clients.project),
            json={"permissions": list(permissions)},
            timeout=CALL_SECONDS,
        )
        if not response.ok:
            raise from_http_response(response)
        answer: Mapping[str, Any] = response.json()
        return set(answer.get("permissions", ()))


def look_at_identity(access: GcpAccess) -> Verdict:
    """Whether there are valid credentials, and for which project."""
    try:
        clients = access.clients()
    except KnownError as error:
        return Verdict(status=Status.FAILED, message=error.failure.message, fix=error.failure.fix)
    return Verdict(status=Status.OK, message=f"project {clients.project}, {clients.credentials_kind}")


def look_at_discovery(access: GcpAccess) -> Verdict:
    """Which permissions of `gpuyard capacity --live` there are."""
    return _look(access, gcp_permissions(), "roles/compute.viewer and roles/cloudquotas.viewer hold them")


def look_at_deployment(access: GcpAccess) -> Verdict:
    """Which permissions of a deployment there are."""
    roles = (
        "roles/container.admin, roles/compute.networkAdmin, roles/iam.serviceAccountAdmin, "
        "roles/iam.serviceAccountUser and roles/resourcemanager.projectIamAdmin hold them"
    )
    return _look(access, DEPLOYMENT, roles)


def _look(access: GcpAccess, permissions: Sequence[str], roles: str) -> Verdict:
    try:
        project = access.clients().project
    except KnownError:
        return Verdict(status=Status.UNKNOWN, message="needs Google credentials", fix="see gcp.identity")
    try:
        granted = access.granted(permissions)
    except Exception as error:  # noqa: BLE001 (explained, whatever it is)
        failure = explain(error, project)
        return Verdict(status=Status.WARNING, message=f"not clear: {failure.message}", fix=failure.fix)
    missing = [name for name in permissions if name not in granted]
    if set(missing) <= OPTIONAL and missing:
        return Verdict(
            status=Status.WARNING,
            message=f"all but {', '.join(missing)}, which is good to have",
            fix=f"grant {role_with(missing[0])}",
        )
    if missing:
        return Verdict(
            status=Status.FAILED,
            message=f"{len(missing)} of {len(permissions)} permissions are missing on {project}: "
            + ", ".join(missing),
            fix=f"grant them; {roles}",
        )
    return Verdict(status=Status.OK, message=f"all {len(permissions)} permissions are there")
