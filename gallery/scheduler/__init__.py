"""A bounded queue between the event loop and N worker threads: an Embedder made of a Network.

`lanes` says who goes next, `workers` are the threads and what becomes of one that hangs or dies, `scheduler` is what
the event loop sees of them.
"""

from gallery.scheduler.lanes import BULK_SHARE
from gallery.scheduler.scheduler import Scheduler
from gallery.scheduler.workers import Load

__all__ = ["BULK_SHARE", "Load", "Scheduler"]
