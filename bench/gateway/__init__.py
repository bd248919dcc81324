"""The AI gateway under load, beside the LiteLLM proxy and a bare pass-through: `python -m bench.gateway`."""
