"""The operators' commands, a module per subject. Each imports what it needs when it runs, so that `--help` is quick."""
