"""The page of the gateway in front of the engines."""
