"""Promises about signals, and the arithmetic of windows, budgets and burn that holds them."""
