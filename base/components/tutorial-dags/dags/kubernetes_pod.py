"""The tutorial's third DAG: tasks that are pods of their own, and what a pod hands to the next task."""

import os
from datetime import datetime

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

# Any image will do; this one is on the node already.
IMAGE = os.environ["AIRFLOW_IMAGE"]

ANSWER = """
import json, pathlib

folder = pathlib.Path("/airflow/xcom")
folder.mkdir(parents=True, exist_ok=True)
(folder / "return.json").write_text(json.dumps({"answer": 42}))
"""

with DAG(
    dag_id="kubernetes_pod",
    description="Pods as tasks",
    schedule=None,
    start_date=datetime(2024, 1, 1),
    is_paused_upon_creation=False,
    tags=["tutorial"],
):
    passing = KubernetesPodOperator(
        task_id="passing_task",
        name="passing-task",
        image=IMAGE,
        cmds=["python", "-c"],
        arguments=["print('hello from a pod')"],
        labels={"foo": "bar"},
    )
    answering = KubernetesPodOperator(
        task_id="answering_task",
        name="answering-task",
        image=IMAGE,
        cmds=["python", "-c"],
        arguments=[ANSWER],
        do_xcom_push=True,
    )
    answer = BashOperator(
        task_id="print_answer",
        bash_command="echo The answer is {{ ti.xcom_pull('answering_task')['answer'] }}",
    )

    passing >> answering >> answer

with DAG(
    dag_id="kubernetes_pod_that_fails",
    description="Fails on purpose: this is how a pod's error looks",
    schedule=None,
    start_date=datetime(2024, 1, 1),
    is_paused_upon_creation=False,
    tags=["tutorial", "fails on purpose"],
):
    KubernetesPodOperator(
        task_id="failing_task",
        name="failing-task",
        image=IMAGE,
        cmds=["python", "-c"],
        arguments=["raise SystemExit('this pod fails on purpose')"],
    )
