"""The names of phases and gates: what measured durations are filed under, so they never change.

They are the field's words, not resource types: a tool, or a person with a stopwatch, can fill them in.
"""

NETWORK, NAT, CONTROL_PLANE, ADD_ONS = "network", "NAT", "control plane", "add-ons"
SYSTEM_NODES = "system nodes"
NODE_REQUEST, NODE_BOOT, DRIVER = "node request", "node boot", "driver"
IMAGE_PULL, WEIGHTS, ENGINE_START = "image pull", "weights", "engine start"
LOAD_BALANCER, CERTIFICATE = "load balancer", "DNS and certificate"
POD_START = "pod start"
DETECTION, DRAIN, OTHER_REPLICAS = "loss noticed", "drain", "other replicas"

PHASES = {
    NETWORK: "network and subnets, from nothing to usable",
    NAT: "gateways through which private nodes reach the outside",
    CONTROL_PLANE: "the cluster's API server, from request to answering",
    SYSTEM_NODES: "the first CPU nodes, from request to Ready",
    ADD_ONS: "cluster add-ons and charts that serving waits for, GPU software among them",
    NODE_REQUEST: "from a pod that does not fit to the order for a machine",
    NODE_BOOT: "from the order for a machine to a Ready node",
    DRIVER: "from a Ready node to GPUs that can be scheduled",
    IMAGE_PULL: "the runtime's image, pulled and unpacked",
    WEIGHTS: "the model's weights, from their source into GPU memory",
    ENGINE_START: "compilation, graphs and warm-up, to the first token",
    POD_START: "image pull, weights and engine start where only their sum was seen",
    LOAD_BALANCER: "a cloud load balancer, from request to forwarding",
    CERTIFICATE: "DNS records, and a certificate validated through them",
    DETECTION: "from a node's death to its pods being replaced",
    OTHER_REPLICAS: "a rollout's replicas after the first, one by one",
    DRAIN: "from asking a replica to stop to its end",
}
"""Every phase, with where it begins and ends."""

QUOTA, APPROVAL, RESERVATION_START, CAPACITY = "quota", "approval", "reservation start", "capacity"
GATES = {
    QUOTA: "from asking for quota to having it",
    APPROVAL: "from asking for a reservation to its approval",
    RESERVATION_START: "from buying or booking capacity to its first hour",
    CAPACITY: "from asking for a machine that was out of stock to getting one",
}
"""Every kind of gate, with what a measured wait for it means. Evidence only: no total counts it."""
