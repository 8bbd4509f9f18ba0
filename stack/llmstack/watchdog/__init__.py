"""The watchdog: supervises processes, and starts again what exits, fails its health check or hangs.

`configuration` says what is supervised, `lifecycle` decides (pure), `keeper` holds one process and
all that it starts, `supervisor` joins them, `health` asks, `serving` shows.
"""
