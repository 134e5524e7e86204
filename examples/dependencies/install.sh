#!/bin/sh
# Stands for `npm install`, `pip install -r` and the like: makes one file for each line of the manifest.
set -eu
rm -rf /app/installed
mkdir /app/installed
while read -r name; do touch "/app/installed/$name"; done </app/requirements.txt
echo "installed: $(ls /app/installed | tr '\n' ' ')"
