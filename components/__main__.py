"""The host of the components for programs in other languages; what it offers is `gpuyard.components`."""

from importlib.metadata import version

from pulumi.provider.experimental import component_provider_host

from gpuyard import components


def main() -> None:
    """Serve until the engine goes away."""
    component_provider_host(
        name="gpuyard",
        version=version("gpuyard"),
        components=[getattr(components, name) for name in components.__all__],
    )


if __name__ == "__main__":
    main()
