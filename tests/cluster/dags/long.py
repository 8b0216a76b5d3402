"""A task that runs until someone says in its pod that it may end, and one after it."""

from datetime import datetime

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

with DAG(dag_id="long", schedule=None, start_date=datetime(2024, 1, 1), is_paused_upon_creation=False):
    (
        BashOperator(task_id="first", bash_command="echo begins; until test -e /tmp/go-on; do sleep 1; done; echo ends")
        >> BashOperator(task_id="second", bash_command="echo goes on")
    )
