#!/bin/sh
# At the first start, this script initializes the database as the official image does. It supports only the features that the
# compose file and the manifests use.
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  mkdir -p "$PGDATA"
  chmod 700 "$PGDATA"
  printf '%s\n' "$POSTGRES_PASSWORD" >/tmp/password
  # shellcheck disable=SC2086 # the variable holds several arguments
  initdb --username=postgres --pwfile=/tmp/password ${POSTGRES_INITDB_ARGS:-} -D "$PGDATA"
  rm /tmp/password
  echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
  # Until the databases exist, the server listens only on its Unix socket and requires no password.
  sed -i '1i local all all trust' "$PGDATA/pg_hba.conf"
  pg_ctl -D "$PGDATA" -w -o "-c listen_addresses='' -c unix_socket_directories=/var/run/postgresql" start
  for file in /docker-entrypoint-initdb.d/*.sql; do
    psql --host=/var/run/postgresql --username=postgres --no-psqlrc --file="$file"
  done
  pg_ctl -D "$PGDATA" -w -m fast stop
  sed -i 1d "$PGDATA/pg_hba.conf"
fi
exec postgres -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories=/var/run/postgresql "$@"
