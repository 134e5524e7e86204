#!/bin/sh
# The first start makes the cluster, the role and the database; every start then becomes Postgres.
set -eu
if [ ! -d "$PGDATA" ]; then
  umask 077
  # A cluster that was only half made is made again: it takes its name when it is complete.
  new=$PGDATA.new
  rm -rf "$new"
  printf '%s' "$POSTGRES_PASSWORD" >/tmp/password
  initdb --pgdata="$new" --username="$POSTGRES_USER" --pwfile=/tmp/password --auth-local=trust --auth-host=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8
  rm /tmp/password
  echo "host all all all scram-sha-256" >>"$new/pg_hba.conf"
  printf 'create database "%s";\n' "$POSTGRES_DB" | postgres --single -D "$new" postgres >/dev/null
  mv "$new" "$PGDATA"
fi
exec postgres -c listen_addresses='*'
