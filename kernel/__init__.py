"""What every service shares. Imports no service, no gateway, no operations."""
