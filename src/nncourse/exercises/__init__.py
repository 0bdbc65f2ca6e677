"""The exercises of the course: instant checks in the notebook, pictures to compare with, and progress.

Nothing here gives marks. The checks of a notebook help while one works; a teacher's marks come from
the judge alone, which runs elsewhere and looks at more.
"""

from nncourse.exercises.notebook import check, progress
from nncourse.exercises.pictures import picture

__all__ = ["check", "picture", "progress"]
