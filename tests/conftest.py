"""What holds for every test.

Hypothesis judges no example by its time: a busy machine is no fault of what is tested. A program that is started in the
background of a script ignores Ctrl-C, and so does all that it starts: the tests send Ctrl-C to what they start. No
checkpoint that happens to be here is chosen.
"""

import os
import signal
from pathlib import Path

from hypothesis import HealthCheck, settings

settings.register_profile("unhurried", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")
os.environ["VIGENT_MODELS_ROOT"] = str(Path(__file__).parent / "no-models")
signal.signal(signal.SIGINT, signal.default_int_handler)
