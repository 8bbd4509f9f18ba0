"""Traces of real traffic: forms that are published, made one form of ours, kept, and planned."""
