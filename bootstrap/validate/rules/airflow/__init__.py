"""Airflow: its components, their settings, and their dependencies on each other."""
