"""Long work in a process of its own: started, watched, stopped and resumed by its directory.

A job is a list of this project's commands, run one after the other. Nothing of it lives in the
process that started it: a page may be reloaded, and a server restarted, while it works.
"""

from ccim_core.jobs.engine import Jobs
from ccim_core.jobs.records import JobProgress, JobSpec, JobState, JobStatus, Step

__all__ = ["JobProgress", "JobSpec", "JobState", "JobStatus", "Jobs", "Step"]
