"""Run a Pulumi program in-process and record it; check what it asked for against the provider SDKs."""
