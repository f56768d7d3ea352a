"""Provider functions (invokes): which are answered, and by what.

Functions without an answer are errors, never empty results.
"""

from collections.abc import Mapping
from typing import Any

from gpuyard.errors import EngineError, did_you_mean
from gpuyard.simulate.lookup import Function, Lookup
from gpuyard.simulate.place import Place


def answer_function(token: str, args: Mapping[str, Any], place: Place, lookup: Lookup) -> dict[str, Any]:
    """The result of the provider function ``token``.

    Raises:
        EngineError: no simulated cloud knows the function, or the cloud itself says no.
    """
    known = functions()
    function = known.get(token)
    if function is None:
        package = token.partition(":")[0]
        near = did_you_mean(token, [name for name in known if name.startswith(f"{package}:")])
        raise EngineError(
            f"the simulated clouds have no answer for the function {token}\n"
            + (f"  {near}\n" if near else "")
            + "  fix: give its answer in clouds.<stack>.yaml, or read the value from the config"
        )
    try:
        return dict(function(args, place, lookup))
    except EngineError as error:
        raise EngineError(f"{token}: {error}") from None


def functions() -> Mapping[str, Function]:
    """Every function with an answer, by token."""
    from gpuyard.simulate.aws_functions import AWS_FUNCTIONS  # noqa: PLC0415 (only when a program calls one)
    from gpuyard.simulate.aws_images import IMAGE_FUNCTIONS  # noqa: PLC0415
    from gpuyard.simulate.aws_policies import POLICY_FUNCTIONS  # noqa: PLC0415
    from gpuyard.simulate.gcp_functions import GCP_FUNCTIONS  # noqa: PLC0415
    from gpuyard.simulate.kubernetes_functions import KUBERNETES_FUNCTIONS  # noqa: PLC0415
    from gpuyard.simulate.look_ups import LOOK_UPS  # noqa: PLC0415

    return {
        **AWS_FUNCTIONS,
        **IMAGE_FUNCTIONS,
        **POLICY_FUNCTIONS,
        **GCP_FUNCTIONS,
        **KUBERNETES_FUNCTIONS,
        **LOOK_UPS,
    }
