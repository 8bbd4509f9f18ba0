"""The gateway: one address in front of engines that speak as OpenAI does."""
