"""The exercises of the course: instant checks in the notebook, and how far a learner is.

Nothing here gives marks. The checks of a notebook help while one works; a teacher's marks come from
the judge alone, which runs elsewhere and looks at more.
"""

from nncourse.exercises.notebook import check, progress

__all__ = ["check", "progress"]
