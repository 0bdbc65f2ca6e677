"""The judge: it marks the notebooks of a class, outside the learners' processes.

A learner's code runs in a sandbox and only answers calls; the checks run here and see plain data. This
file stays empty of code, because the sandbox imports the package too.
"""
