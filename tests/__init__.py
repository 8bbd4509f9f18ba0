"""The tests of llmdash; a package, so that they can import the helpers that stand beside this file."""
