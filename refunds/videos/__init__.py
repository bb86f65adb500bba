"""Claim videos: taken in piece by piece, kept in private, looked at by a machine, shown to staff, deleted in time."""
