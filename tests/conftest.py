"""Hypothesis profiles: `dev` draws anew at each run, `ci` (chosen where CI=true) draws the same examples every time.

Neither has a deadline: the first example of a property may compile a kernel, which takes seconds and says nothing about
the code under test. `--hypothesis-profile` overrides the choice.
"""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("dev", deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("dev"), derandomize=True, database=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")
