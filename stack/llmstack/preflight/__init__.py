"""Preflight: whether this machine can run a profile of the stack, and what to do where it cannot.

`settings` says what is asked for, `machine` is the one seam to what is there, `facts` is what it
answered, and `gpu`, `docker`, `place` and `model` judge (pure); `report` tells.
"""
