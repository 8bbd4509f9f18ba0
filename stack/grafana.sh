#!/bin/sh
# Starts Grafana, unless others could come in with the password that everybody knows.

set -eu

case "${GRAFANA_HOST:-127.0.0.1}" in
    127.* | localhost | ::1 | "[::1]") ;;
    *)
        if [ "${GF_SECURITY_ADMIN_PASSWORD:-admin}" = admin ]; then
            echo "GRAFANA_HOST is $GRAFANA_HOST, where others reach it: set GRAFANA_ADMIN_PASSWORD to one of your own" >&2
            exit 1
        fi
        ;;
esac
exec /run.sh "$@"
