"""What holds for every test.

Hypothesis judges no example by its time: a busy machine is no fault of what is tested. A program that is started in the
background of a script ignores Ctrl-C, and so does all that it starts: the tests send Ctrl-C to what they start.
"""

import signal

from hypothesis import HealthCheck, settings

settings.register_profile("unhurried", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")
signal.signal(signal.SIGINT, signal.default_int_handler)
