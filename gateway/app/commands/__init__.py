"""The commands of `gateway`, one file each: words in, words out. What they do is in the parts that wiring.py builds."""
