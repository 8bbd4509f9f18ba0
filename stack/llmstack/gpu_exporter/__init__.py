"""The GPU exporter: what NVML says of each GPU, under the names of the DCGM exporter."""
