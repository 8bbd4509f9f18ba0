"""Mutants that mean the same as their rule are still made, and each has one reason."""

from __future__ import annotations

from collections import Counter

import yaml

from tests.mutate.campaign import campaigns
from tests.mutate.run import EQUIVALENT


def test_each_is_still_made() -> None:
    """A rule that was changed has other mutants: what is listed of the old one hides nothing."""
    made = {str(mutant) for campaign in campaigns() for mutant in campaign.mutants()}
    groups = yaml.safe_load(EQUIVALENT.read_text()) or []
    listed = Counter(mutant for group in groups for mutant in group["mutants"])

    assert all(group["reason"].strip() for group in groups)
    assert [] == [mutant for mutant in listed if mutant not in made]
    assert [] == [mutant for mutant, times in listed.items() if times > 1]
