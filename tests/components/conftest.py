"""Provider SDKs that warn of their own classes when a module is first touched."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pulumi_gcp.compute
    import pulumi_gcp.container

    from gpuyard import components

    LOADED = (components, pulumi_gcp.compute.Network, pulumi_gcp.container.Cluster)
