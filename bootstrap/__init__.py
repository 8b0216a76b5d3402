"""taxiway: from an empty folder to a GitOps repository that runs Apache Airflow on Kubernetes."""

__version__ = "0.1.0"
