"""What accounts does when asked: handlers that load, decide, write and return."""
