"""Looks at data and says how it is read: candidates, evidence, a decision, and words for it."""
