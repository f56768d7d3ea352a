"""Whether the hosts that a purpose needs can be reached, proxies included."""

import socket
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

from gpuyard.discovery.doctor.check import Status, Verdict

REACH_SECONDS = 8
HOSTS: Mapping[str, tuple[str, ...]] = {
    "aws": ("https://sts.{region}.amazonaws.com", "https://ec2.{region}.amazonaws.com"),
    "gcp": ("https://compute.googleapis.com", "https://oauth2.googleapis.com"),
    "up": ("https://get.pulumi.com", "https://helm.ngc.nvidia.com"),
}
"""By cloud, and for deployments: provider plugins, and the chart repositories that Pulumi reads itself."""


def look_at_host(url: str) -> Verdict:
    """Any HTTP answer at all, over the proxy of the environment where there is one."""
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415 (reads the environment)

    host = urlsplit(url).hostname or url
    proxy = "" if proxy_bypass(host) else getproxies().get("https", "")
    try:
        if proxy:
            return _through_proxy(url, host)
        with (
            socket.create_connection((host, urlsplit(url).port or 443), timeout=REACH_SECONDS) as raw,
            ssl.create_default_context().wrap_socket(raw, server_hostname=host),
        ):
            return Verdict(status=Status.OK, message=f"{host} answers")
    except socket.gaierror:
        return _failed(host, "has no address", "check DNS, or set HTTPS_PROXY where there is a proxy")
    except TimeoutError:
        message = f"does not answer within {REACH_SECONDS} s"
        return _failed(host, message, "check firewall and proxy (HTTPS_PROXY)")
    except ssl.SSLCertVerificationError as error:
        message = f"shows a certificate that is not trusted ({error.verify_message})"
        return _failed(host, message, "trust the proxy's certificate: SSL_CERT_FILE, REQUESTS_CA_BUNDLE")
    except OSError as error:
        return _failed(
            host, f"cannot be reached ({error.strerror or type(error).__name__})", "check firewall"
        )


def _through_proxy(url: str, host: str) -> Verdict:
    from requests import RequestException, head  # noqa: PLC0415 (0.2 s that only a proxy needs)

    try:
        head(url, timeout=REACH_SECONDS, allow_redirects=False)
    except RequestException as error:
        return _failed(
            host, f"cannot be reached through the proxy ({type(error).__name__})", "check HTTPS_PROXY"
        )
    return Verdict(status=Status.OK, message=f"{host} answers through the proxy")


def _failed(host: str, message: str, fix: str) -> Verdict:
    return Verdict(status=Status.FAILED, message=f"{host} {message}", fix=fix)
