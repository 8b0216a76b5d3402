"""The tutorial's second DAG: Bash commands from Jinja templates, two of them side by side."""

from datetime import datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

with DAG(
    dag_id="tutorial",
    description="Bash commands from templates",
    schedule=None,
    start_date=datetime(2024, 1, 1),
    default_args={"retries": 1, "retry_delay": timedelta(seconds=5)},
    is_paused_upon_creation=False,
    tags=["tutorial"],
):
    date = BashOperator(task_id="print_date", bash_command="date")
    sleep = BashOperator(task_id="sleep", bash_command="sleep 5")
    templated = BashOperator(
        task_id="templated",
        bash_command="""
            {% for number in range(3) %}
            echo "{{ number }}: {{ params.word }} in {{ run_id }}"
            {% endfor %}
        """,
        params={"word": "hello"},
    )

    date >> [sleep, templated]
