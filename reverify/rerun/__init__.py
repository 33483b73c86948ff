"""Does a recorded run, run again, give what it gave?"""
