"""The refund rules as code: facts in, decision out. Nothing here asks a database or a clock.

Read ``assessing`` first: it holds the order in which rules are tried. ``published`` holds the profiles.
"""
