"""Pages of vLLM's own metrics."""
