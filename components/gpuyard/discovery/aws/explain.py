"""What an error of boto3 means for a survey."""

from collections.abc import Callable
from typing import Any

from gpuyard.catalog.evidence_items import Reason
from gpuyard.discovery.actions import ForbiddenActionError, find_action
from gpuyard.discovery.aws.client import CONNECT_SECONDS, READ_SECONDS, THROTTLES
from gpuyard.discovery.failure import Failure, Scope, masked

EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
INVALID = frozenset(
    {
        "AuthFailure",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
"""Credentials that are wrong everywhere, or good ones in a region that the account has not enabled."""
DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"})
NOT_ENABLED = frozenset({"OptInRequired", "SubscriptionRequiredException", "SubscriptionRequired"})
RENEW = "sign in again (`aws sso login`, or renew the keys), then run it again; answers are kept"


def explain_for(region: str, *, identity_known: bool) -> Callable[[Exception], Failure]:
    """An explainer of errors in ``region``; with ``identity_known`` the keys are good elsewhere."""
    return lambda error: explain(error, region, identity_known=identity_known)


def explain(error: Exception, region: str = "", *, identity_known: bool = False) -> Failure:
    """The cause of ``error`` and the way out."""
    from botocore import exceptions  # noqa: PLC0415 (see AwsClients)

    if isinstance(error, ForbiddenActionError):
        raise error
    if isinstance(error, exceptions.ClientError):
        return _refusal(error, region, identity_known=identity_known)
    if isinstance(
        error,
        exceptions.NoCredentialsError
        | exceptions.PartialCredentialsError
        | exceptions.CredentialRetrievalError
        | exceptions.TokenRetrievalError
        | exceptions.SSOError
        | exceptions.ProfileNotFound,
    ):
        return Failure(
            reason=Reason.CREDENTIALS,
            message=f"no usable AWS credentials: {masked(str(error))}",
            fix="set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run `aws sso login`",
            scope=Scope.CLOUD,
        )
    if isinstance(error, exceptions.ReadTimeoutError):
        return Failure(
            reason=Reason.TIMEOUT,
            message=f"no answer within {READ_SECONDS} s",
            fix="run it again; answers are kept",
        )
    if isinstance(error, exceptions.HTTPClientError | exceptions.ConnectionError):
        timed_out = isinstance(error, exceptions.ConnectTimeoutError)
        return Failure(
            reason=Reason.UNREACHABLE,
            message=f"cannot be reached within {CONNECT_SECONDS} s" if timed_out else masked(str(error)),
            fix="check the network, proxy and DNS; `gpuyard doctor` tests the path",
            scope=Scope.REGION,
        )
    return Failure(
        reason=Reason.REFUSED,
        message=f"{type(error).__name__}: {masked(str(error))}",
        fix="if this goes on, please report it as a bug",
    )


def _refusal(error: Any, region: str, *, identity_known: bool) -> Failure:
    code = error.response.get("Error", {}).get("Code", "")
    text = f"{code}: {masked(error.response.get('Error', {}).get('Message', ''))}"
    permission = _permission(error)
    if code in EXPIRED:
        return Failure(
            reason=Reason.CREDENTIALS, message=f"credentials expired ({text})", fix=RENEW, scope=Scope.CLOUD
        )
    if code in INVALID:
        if not identity_known:
            return Failure(
                reason=Reason.CREDENTIALS,
                message=f"credentials are not valid ({text})",
                fix=RENEW,
                scope=Scope.CLOUD,
            )
        return not_enabled(region, text)
    if code in NOT_ENABLED:
        return Failure(
            reason=Reason.NOT_ENABLED, message=text, fix="sign the account up for the service in the console"
        )
    if code in DENIED:
        where = " by a service control policy" if "service control policy" in text.lower() else ""
        return Failure(
            reason=Reason.PERMISSION,
            message=f"{permission} is denied{where} ({text})",
            fix=_grant(permission, by_organization=bool(where)),
            permission=permission,
        )
    if code in THROTTLES:
        return Failure(
            reason=Reason.THROTTLED,
            message=f"still throttled after every retry ({text})",
            fix="run it again later, or with a lower --concurrency; answers are kept",
        )
    return Failure(reason=Reason.REFUSED, message=text, fix="see the message; other answers are not affected")


def not_enabled(region: str, said: str = "") -> Failure:
    """That the account has not switched the region on."""
    return Failure(
        reason=Reason.NOT_ENABLED,
        message=f"{region} is not enabled for this account" + (f" ({said})" if said else ""),
        fix=f"enable it: `aws account enable-region --region-name {region}`, or leave it out",
        scope=Scope.REGION,
    )


def not_in_partition(region: str) -> Failure:
    """That the account lists no such region: GovCloud and China are partitions with accounts of their own."""
    return Failure(
        reason=Reason.NOT_ENABLED,
        message=f"{region} is not among the regions of this account",
        fix="leave it out, or use credentials of its partition (GovCloud, China)",
        scope=Scope.REGION,
    )


def _permission(error: Any) -> str:
    """The IAM action of the call that failed, from its operation's name."""
    operation = getattr(error, "operation_name", "")
    for service in ("ec2", "service-quotas", "pricing", "sts"):
        try:
            return find_action("aws", service, operation).permission
        except ForbiddenActionError:
            continue
    return operation


def _grant(permission: str, *, by_organization: bool) -> str:
    if by_organization:
        return f"ask the organization's administrator to allow {permission}"
    return f"allow {permission} in the identity's policy; docs/reference/discovery.md has the whole policy"
