"""The relay of the case log: publishes every event of it to `case-events`. A container of its own.

Any number of processes may run it; one leads.
"""

from kernel.messaging.relay import relay_service
from services.filing.bootstrap import build_relay

FilingRelay = relay_service("filing-relay", build_relay)
