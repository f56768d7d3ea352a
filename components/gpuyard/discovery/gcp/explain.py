"""What an error of a Google API means for a survey."""

import re
from collections.abc import Callable
from typing import Any

from gpuyard.catalog.evidence_items import Reason
from gpuyard.discovery.actions import Action, ForbiddenActionError
from gpuyard.discovery.failure import Failure, KnownError, Scope, masked
from gpuyard.discovery.gcp.client import CALL_SECONDS, action_of, is_throttle, reasons_of

LOGIN = "run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS"
_DISABLED = frozenset({"SERVICE_DISABLED", "accessNotConfigured"})
_PERMISSION = re.compile(
    r"[\"']([a-z][a-zA-Z]*\.[a-zA-Z.]+)[\"']? permission|ermission[^\"']{0,9}[\"']([a-z]\w*\.[\w.]+)"
)


def explain_for(project: str) -> Callable[[Exception], Failure]:
    """An explainer of errors that the project meets."""
    return lambda error: explain(error, project)


def explain(error: Exception, project: str) -> Failure:
    """The cause of ``error`` and the way out."""
    from google.api_core import exceptions  # noqa: PLC0415 (see GcpClients)
    from google.auth.exceptions import GoogleAuthError, TransportError  # noqa: PLC0415
    from requests import ConnectionError as NoConnectionError  # noqa: PLC0415
    from requests import RequestException, Timeout  # noqa: PLC0415

    if isinstance(error, ForbiddenActionError):
        raise error
    if isinstance(error, KnownError):
        return error.failure
    if isinstance(error, exceptions.RetryError) and isinstance(error.cause, Exception):
        error.cause.__dict__["gpuyard_action"] = action_of(error)
        return explain(error.cause, project)
    action = action_of(error)
    if isinstance(error, Timeout):
        return Failure(
            reason=Reason.TIMEOUT,
            message=f"no answer within {CALL_SECONDS} s",
            fix="run it again; answers are kept",
        )
    if isinstance(error, NoConnectionError | TransportError | RequestException):
        return Failure(
            reason=Reason.UNREACHABLE,
            message=f"{_host(action)} cannot be reached ({type(error).__name__})",
            fix="check the network, proxy and DNS; `gpuyard doctor` tests the path",
        )
    if isinstance(error, GoogleAuthError):
        return Failure(
            reason=Reason.CREDENTIALS,
            message=f"Google credentials are missing, expired or revoked: {_first_sentence(str(error))}",
            fix=f"{LOGIN}, then run it again; answers are kept",
            scope=Scope.CLOUD,
        )
    if isinstance(error, exceptions.GoogleAPICallError):
        return _refusal(error, action, project)
    return Failure(
        reason=Reason.REFUSED,
        message=f"{type(error).__name__}: {masked(str(error))}",
        fix="if this goes on, please report it as a bug",
    )


def _refusal(error: Any, action: Action | None, project: str) -> Failure:
    text = masked(re.sub(r"^(GET|POST) \S+: ", "", str(error.message)))[:300]
    reasons = reasons_of(error)
    if error.code == 401:
        return Failure(
            reason=Reason.CREDENTIALS,
            message=f"credentials expired or not valid ({text})",
            fix=f"{LOGIN}, then run it again; answers are kept",
            scope=Scope.CLOUD,
        )
    if is_throttle(error):
        return Failure(
            reason=Reason.THROTTLED,
            message=f"still throttled after every retry ({text})",
            fix="run it again later, or with a lower --concurrency; answers are kept",
        )
    if reasons & _DISABLED or "has not been used in project" in text:
        return Failure(
            reason=Reason.NOT_ENABLED,
            message=f"{_host(action)} is not enabled in {project}",
            fix=f"`gcloud services enable {_host(action)} --project {project}`",
        )
    if error.code == 403:
        named = _PERMISSION.search(text)
        permission = (named.group(1) or named.group(2)) if named else ""
        permission = permission or (action.permission if action else "")
        return Failure(
            reason=Reason.PERMISSION,
            message=f"{permission or _host(action)} is denied on {project} ({text})",
            fix=f"grant a role with {permission} on {project}, such as {role_with(permission)}",
            permission=permission,
        )
    return Failure(
        reason=Reason.REFUSED,
        message=f"HTTP {error.code}: {text}",
        fix="see the message; other answers are not affected",
    )


def _first_sentence(text: str) -> str:
    return masked(text).partition(". ")[0][:200]


def _host(action: Action | None) -> str:
    return f"{action.service if action else 'oauth2'}.googleapis.com"


def role_with(permission: str) -> str:
    """The smallest predefined role that holds the permission, in words.

    Viewers get the odds and the history, but not the calendar (Google's list of predefined roles, as
    mirrored by public repositories in 2026).
    """
    if permission == "compute.advice.calendarMode":
        return "a custom role of it alone (among predefined roles, roles/compute.admin)"
    return "roles/cloudquotas.viewer" if permission.startswith("cloudquotas.") else "roles/compute.viewer"
