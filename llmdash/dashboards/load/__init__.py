"""The page of our load generator."""
