#!/usr/bin/env bash
# Starts a Docker engine of its own for tests, with an image of Prometheus that is made here, and stops it.
#
#   tests/docker/engine.sh start FOLDER   prints what to set in the environment, as NAME=value lines
#   tests/docker/engine.sh stop FOLDER    ends what was started there, and removes the folder
#
# No registry is needed: the image holds the Prometheus that stack/prometheus.sh finds, and the libraries that it loads.
# Needs root; on Debian the engine is installed if it is missing.

set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
image=llmdash-prometheus:test

say() { printf 'engine.sh: %s\n' "$*" >&2; }

install_engine() {
    if ! command -v dockerd > /dev/null || ! command -v containerd > /dev/null; then
        apt-get -qq update >&2
        DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends docker.io iptables > /dev/null
    fi
}

# Puts a program, the libraries that it loads, and an empty place for its data into a folder.
fill() {
    local folder="$1" program="$2" library
    mkdir -p "$folder/bin" "$folder/prometheus" "$folder/etc" "$folder/tmp"
    chmod 1777 "$folder/prometheus" "$folder/tmp"
    printf 'root:x:0:0:root:/:/bin/false\nnobody:x:65534:65534:nobody:/:/bin/false\n' > "$folder/etc/passwd"
    cp "$program" "$folder/bin/prometheus"
    # A static program loads none, and ldd says so with an error.
    { ldd "$program" 2> /dev/null || true; } | grep -o '/[^ ]*' | while read -r library; do
        mkdir -p "$folder$(dirname "$library")"
        cp -L "$library" "$folder$library"
    done
}

start() {
    local folder="$1" prometheus host
    mkdir -p "$folder/data" "$folder/exec"
    host="unix://$folder/docker.sock"
    install_engine
    dockerd -H "$host" --data-root "$folder/data" --exec-root "$folder/exec" --pidfile "$folder/dockerd.pid" \
        > "$folder/dockerd.log" 2>&1 &
    for _ in $(seq 100); do
        [[ -S "$folder/docker.sock" ]] && docker -H "$host" version > /dev/null 2>&1 && break
        sleep 0.2
    done
    if ! docker -H "$host" version > /dev/null 2>&1; then
        say "the engine does not start:"
        tail -n 20 "$folder/dockerd.log" >&2
        return 1
    fi
    prometheus="$("$root/stack/prometheus.sh" --prometheus3 | awk -F '\t' '$3 != "-" { print $3 }' | tail -n 1)"
    fill "$folder/rootfs" "$prometheus"
    tar -C "$folder/rootfs" -c . | docker -H "$host" import --change 'ENTRYPOINT ["/bin/prometheus"]' \
        --change 'USER nobody' --change 'WORKDIR /prometheus' - "$image" > /dev/null
    printf '%s\n' "DOCKER_HOST=$host" "LLMDASH_PROMETHEUS_IMAGE=$image" \
        TESTCONTAINERS_RYUK_DISABLED=true TESTCONTAINERS_CONNECTION_MODE=docker_host
}

stop() {
    local folder="$1" pid
    if [[ -f "$folder/dockerd.pid" ]]; then
        pid="$(< "$folder/dockerd.pid")"
        kill "$pid" 2> /dev/null || true
        for _ in $(seq 100); do
            kill -0 "$pid" 2> /dev/null || break
            sleep 0.2
        done
    fi
    # The engine leaves the mounts of its network behind.
    awk -v folder="$folder/" 'index($2, folder) == 1 { print $2 }' /proc/mounts | sort -r | xargs -r -n 1 umount
    rm -rf "$folder"
}

case "${1:-}" in
    start | stop) "$1" "$(mkdir -p "${2:?a folder}" && cd "$2" && pwd)" ;;
    *)
        sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
        exit 2
        ;;
esac
