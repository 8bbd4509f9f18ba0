"""Pages of Triton's own metrics, and of its TensorRT-LLM backend."""
