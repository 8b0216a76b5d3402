"""Tasks that wait in the triggerer: one for a time, one for a pod."""

import os
from datetime import datetime, timedelta

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.standard.sensors.time_delta import TimeDeltaSensor
from airflow.sdk import DAG
from kubernetes.client import V1Container

SECONDS = 40
SLOW = 15

with DAG(dag_id="deferred", schedule=None, start_date=datetime(2024, 1, 1), is_paused_upon_creation=False):
    TimeDeltaSensor(task_id="for_a_time", delta=timedelta(seconds=SECONDS), deferrable=True)
    KubernetesPodOperator(
        task_id="for_a_pod",
        name="deferred-pod",
        image=os.environ["AIRFLOW_IMAGE"],
        cmds=["sh", "-c"],
        arguments=[f"sleep {SECONDS - SLOW}; echo the pod is through"],
        # The triggerer follows the events of a pod that takes its time to start.
        init_containers=[V1Container(name="slow", image=os.environ["AIRFLOW_IMAGE"], command=["sleep", str(SLOW)])],
        deferrable=True,
    )
