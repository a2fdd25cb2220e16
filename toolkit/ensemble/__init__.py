"""Joins predictions; the submission and its lint."""
