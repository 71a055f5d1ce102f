"""Setting up what development and tests need. Nothing here runs in a service."""
