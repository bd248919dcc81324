"""OpenTelemetry: each AI call as a span and in metrics, by the conventions for generative AI."""
