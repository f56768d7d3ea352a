"""The whole stack: config to spec to plan to InferenceStack."""
