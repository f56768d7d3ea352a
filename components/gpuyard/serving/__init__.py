"""Model endpoints: runtime, weights, probes, drain, rollout, disruption budget."""
