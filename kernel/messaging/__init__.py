"""Messages between services: topology, consuming, publishing, the relay and RPC, over RabbitMQ or inside one process.

Handlers never know which of the two carries them.
"""

from kombu.transport import TRANSPORT_ALIASES

# Imported first, since it silences the notice that eventlet would print when nameko imports it.
from kernel import green as green

TRANSPORT_ALIASES["memory"] = "kernel.messaging.memory:Transport"
