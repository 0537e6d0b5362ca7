#!/bin/sh
# Start or stop a throw-away PostgreSQL in a folder: postgres.sh start FOLDER | postgres.sh stop FOLDER
# `start` prints the address of an empty database in it.
set -eu
action=$1 folder=$2
bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)

as_owner() {
  if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

case $action in
  start)
    [ "$(id -u)" != 0 ] || chown postgres "$folder"
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    as_owner "$bin/initdb" --auth=trust --username=greenroom --no-sync -D "$folder/data" >/dev/null
    as_owner "$bin/pg_ctl" -D "$folder/data" -l "$folder/log" -w -s \
      -o "-p $port -k $folder -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=300" start >/dev/null
    as_owner "$bin/createdb" -h 127.0.0.1 -p "$port" -U greenroom greenroom
    echo "postgres://greenroom@127.0.0.1:$port/greenroom"
    ;;
  stop)
    as_owner "$bin/pg_ctl" -D "$folder/data" -m immediate -s stop || true
    ;;
esac
