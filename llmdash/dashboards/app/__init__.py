"""The page of programs that call models in their own process."""
