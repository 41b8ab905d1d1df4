"""Recipes: each source that the documentation shows for a task system, on that system."""
