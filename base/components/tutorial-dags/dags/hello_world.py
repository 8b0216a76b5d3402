"""The tutorial's first DAG: an empty, a Python and a Bash task in a row."""

from datetime import datetime

from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG


def print_hello() -> str:
    print("hello world")
    return "Hello world!"


with DAG(
    dag_id="hello_world",
    description="A first look: Python, then Bash",
    schedule=None,
    start_date=datetime(2024, 1, 1),
    is_paused_upon_creation=False,
    tags=["tutorial"],
):
    start = EmptyOperator(task_id="start", retries=3)
    hello = PythonOperator(task_id="hello_task", python_callable=print_hello)
    ls = BashOperator(task_id="bash_ls", bash_command="ls -l")

    start >> hello >> ls
