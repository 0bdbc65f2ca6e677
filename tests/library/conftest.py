"""Settings for the property tests: the same examples every time, however busy the machine."""

from hypothesis import settings

settings.register_profile("nncourse", deadline=None, derandomize=True)
settings.load_profile("nncourse")
