# Turns pip's output into a few lines of progress; whatever it does not know, and all that follows an error, it shows.
/^ERROR/ { failed = 1 }
failed { print; fflush(); next }
/^(Collecting|Processing) / { if (++count % 10 == 0) { print "  " count " packages fetched"; fflush() } next }
/^Installing collected packages/ { print "  installing " count " packages"; fflush(); next }
/^Successfully installed/ { print "  done"; fflush(); next }
/^  / || /^(Looking in|Ignoring|Requirement already satisfied|WARNING: Location)/ { next }
{ print; fflush() }
