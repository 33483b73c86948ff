"""Who is told what an audit found: people, programs, a monitor?"""
