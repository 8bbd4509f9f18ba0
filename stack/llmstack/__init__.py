"""llmstack: the programs that serve language models and are watched by what llmdash builds."""
