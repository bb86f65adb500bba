"""The fault run: real processes, faults on every side, then a check of what must still be true. See docs/chaos.md."""
