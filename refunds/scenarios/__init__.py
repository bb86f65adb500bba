"""Scenario files: worked decisions, facts in and decision out, to hold the engine against."""
