"""Looks at a customer's video before people do, in a process of its own that may crash, hang or be killed.

``python -m refunds.triage`` is that process: it knows neither Django nor the shop. It reads one video from standard
input, measures it, and writes one line of JSON. ``running`` starts it, bounds it and believes nothing it says before
``report`` has checked it. What is found sorts the staff's queue and advises the customer; it decides nothing.
"""
