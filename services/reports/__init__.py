"""What a check's report says: read from the supplier's text, judged, compared. Pure functions, no table.

The stored text is the truth; everything here is derived from it each time it is shown.
"""
