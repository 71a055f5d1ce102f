"""Rules about persons and their accounts. Pure: no I/O, no clock, no framework."""
