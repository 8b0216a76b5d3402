"""What each release of Airflow knows: its settings, and how it reads their values."""
