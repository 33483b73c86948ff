"""Which capsules do we keep, and how do they leave?"""
