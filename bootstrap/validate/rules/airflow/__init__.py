"""Airflow: its components, their settings, and what they need of each other."""
