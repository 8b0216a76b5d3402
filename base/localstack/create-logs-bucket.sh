#!/bin/bash -e
awslocal s3 mb s3://logs
