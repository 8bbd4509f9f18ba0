"""A small typed PromQL: what can be built prints, and what prints means something."""
