"""What administrators have done to many people at once: to those they chose, and by files of people.

A batch is rows of its own, so it goes on whoever looks, in whatever process, and says afterwards what became of each.
"""
