"""Where a component's arguments enter: wiring apart from plain values, problems shown at their property.

A component's args mix plain values, which decide what is built, with wiring (`pulumi.Input`), which only
flows through. `split_wiring` takes them apart; `parse_inputs` parses the plain ones and turns a
`SpecError` into Pulumi's `InputPropertiesError`, so that the engine shows each problem at its property,
in whatever language the program is written.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import pulumi

from gpuyard.errors import Finding, GpuyardError, SpecError
from gpuyard.parsing import Spec, parse_spec

SpecT = TypeVar("SpecT", bound=Spec)


class ArgsError(SpecError, pulumi.InputPropertiesError):
    """Arguments of a component that cannot become its spec; lists every problem."""

    def __init__(self, component: str, findings: tuple[Finding, ...]) -> None:
        super().__init__(findings)  # reaches InputPropertiesError with the whole text
        self.component = component
        self.errors = [
            pulumi.InputPropertyErrorDetails(
                property_path=finding.path,
                reason=finding.message + (f" ({finding.fix})" if finding.fix else ""),
            )
            for finding in findings
        ]


def split_wiring(args: Mapping[str, Any], wiring: frozenset[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The plain values and the wiring of ``args``, by key."""
    plain = {key: value for key, value in args.items() if key not in wiring}
    return plain, {key: value for key, value in args.items() if key in wiring}


def parse_inputs(component: str, model: type[SpecT], plain: Mapping[str, Any]) -> SpecT:
    """The spec of ``component`` from its plain arguments.

    Raises:
        ArgsError: with one finding per problem.
    """
    try:
        return parse_spec(model, plain)
    except SpecError as error:
        raise ArgsError(component, error.findings) from None


@contextmanager
def errors_without_traceback() -> Iterator[None]:
    """For a program: what gpuyard raises in it is told by `pulumi up` in its own words only.

    Raises:
        RunError: with the text of the error, which is its cause.
    """
    try:
        yield
    except GpuyardError as error:
        raise pulumi.RunError(str(error)) from error
