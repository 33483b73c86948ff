"""How do many crates fare over time?"""
