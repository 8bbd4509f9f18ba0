#!/bin/sh
# Writes Prometheus's configuration: as it was built, with our Alertmanager, and with your own targets
# (generated/prometheus/targets/). What targets of the stack there were goes: those that run come anew.

set -eu

from=/generated to=/configuration
mkdir -p "$to/targets"
rm -f "$to"/targets/*
{
    cat "$from/prometheus.yaml"
    # A pack that names one keeps it.
    if ! grep -q '^alerting:' "$from/prometheus.yaml"; then
        printf 'alerting:\n  alertmanagers:\n    - static_configs:\n        - targets: ["alertmanager:9093"]\n'
    fi
} > "$to/.prometheus.yaml"
mv "$to/.prometheus.yaml" "$to/prometheus.yaml"
for file in "$from"/targets/*.yaml; do
    [ -e "$file" ] || continue
    cp "$file" "$to/targets/"
done
chmod -R a+rX "$to"
