"""What tests share: polling with a deadline, processes to kill, free ports.

Imported by tests and by the set-up of backing services; never by a service.
"""

from kernel.testing.full_disk import full_disk
from kernel.testing.polling import eventually
from kernel.testing.ports import accepts, free_port
from kernel.testing.processes import Process, ProcessDied

__all__ = ["Process", "ProcessDied", "accepts", "eventually", "free_port", "full_disk"]
