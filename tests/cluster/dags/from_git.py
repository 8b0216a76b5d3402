"""From Git: one task waits for its turn, and the next one says which version of this file it is from."""

import time
from datetime import datetime

from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, Variable

VERSION = "one"


def wait_for_turn() -> None:
    for _ in range(900):
        if Variable.get("turn", default="") == "now":
            return
        time.sleep(1)
    raise TimeoutError("nobody said that it is my turn")


with DAG(dag_id="from_git", schedule=None, start_date=datetime(2024, 1, 1), is_paused_upon_creation=False):
    wait = PythonOperator(task_id="wait", python_callable=wait_for_turn)
    tell = BashOperator(task_id="tell", bash_command=f"echo this is version {VERSION}")

    wait >> tell
