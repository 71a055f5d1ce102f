"""Speed, measured. Each module prints JSON lines and compares with a peer in the same run where there is one."""
