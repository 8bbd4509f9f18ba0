"""When the text of a stream comes: the first, and each that follows."""

from __future__ import annotations

from llmstack.gateway.counts import Counts
from llmstack.gateway.course import Course


class TokenTimes:
    """The times of one stream."""

    def __init__(self, course: Course, counts: Counts) -> None:
        """Count from the arrival of the request."""
        self._course, self._last = course, course.began
        self._first = counts.first_token.labels(course.model, course.prompt_class)
        self._between = counts.inter_token.labels(course.model, course.prompt_class)

    def next(self, now: float) -> None:
        """Take notice of one that is not the first."""
        self._course.pieces += 1
        self._between.observe(now - self._last)
        self._last = now

    def came(self, pieces: int, now: float) -> None:
        """Take notice of some that came together: what is between them they share."""
        course = self._course
        course.pieces += pieces
        if course.first_token is None:
            course.first_token = now - course.began
            self._first.observe(course.first_token)
            pieces, self._last = pieces - 1, now
        if pieces:
            self._between.extend([(now - self._last) / pieces] * pieces)
        self._last = now
