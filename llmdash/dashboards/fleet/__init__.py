"""Pages of all sources together, over recordings only."""
