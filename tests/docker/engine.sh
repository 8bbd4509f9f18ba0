#!/usr/bin/env bash
# Starts a Docker engine of its own for tests, with Compose and images that are made here, and stops it.
#
#   tests/docker/engine.sh start FOLDER   prints what to set in the environment, as NAME=value lines
#   tests/docker/engine.sh stop FOLDER    ends what was started there, and removes the folder
#
# No registry is needed: Prometheus and Alertmanager are those that stack/prometheus.sh finds, with the
# libraries that they load; llmstack is built of stack/Dockerfile on a Debian that debootstrap makes, and
# what the stack wants of busybox and NGINX is that Debian's. Of Grafana there is no package.
# Needs root; on Debian the engine, Compose and debootstrap are installed if they are missing.

set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"

say() { printf 'engine.sh: %s\n' "$*" >&2; }

install_packages() {
    local package missing=()
    for package in "$@"; do
        if ! dpkg -s "$package" > /dev/null 2>&1; then missing+=("$package"); fi
    done
    if ((${#missing[@]} == 0)); then return; fi
    apt-get -qq update >&2
    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" > /dev/null
}

install_engine() {
    if ! command -v dockerd > /dev/null || ! command -v containerd > /dev/null; then install_packages docker.io iptables; fi
}

# Prints the Debian mirror that this machine is set up with, in either style of sources.
debian_mirror() {
    {
        cat /etc/apt/sources.list.d/*.sources 2> /dev/null | sed -n 's/^URIs: *//p' | tr ' ' '\n'
        cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2> /dev/null |
            sed -n 's/^deb  *\(\[[^]]*\] *\)\{0,1\}\([^ ]*\).*/\2/p'
    } | grep -E '/debian/?$' | head -n 1
}

# Compose for a docker that has none: Debian unstable's, which runs by itself; nothing of the system is touched.
install_compose() {
    local folder="$1" package scratch="$1/compose"
    if docker compose version > /dev/null 2>&1; then return; fi
    mkdir -p "$scratch"/{lists,cache/archives}/partial "$folder/config/cli-plugins"
    printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s sid main\n' "$(debian_mirror)" > "$scratch/sid.list"
    local get=(
        apt-get -qq
        -o "Dir::Etc::sourcelist=$scratch/sid.list" -o Dir::Etc::sourceparts=-
        -o "Dir::State::lists=$scratch/lists" -o "Dir::Cache=$scratch/cache"
        # The user that apt fetches as may not reach this folder.
        -o APT::Sandbox::User=root
    )
    (cd "$scratch" && "${get[@]}" update && "${get[@]}" download docker-compose) >&2
    for package in "$scratch"/*.deb; do dpkg -x "$package" "$scratch/root"; done
    cp "$scratch/root/usr/libexec/docker/cli-plugins/docker-compose" "$folder/config/cli-plugins/"
    rm -rf "$scratch"
}

# fill FOLDER PLACE PROGRAM…: an image's files: programs, the libraries that they load, and an empty place for data.
fill() {
    local folder="$1" place="$2" program name library
    shift 2
    mkdir -p "$folder/bin" "$folder$place" "$folder/etc" "$folder/tmp"
    chmod 1777 "$folder$place" "$folder/tmp"
    printf 'root:x:0:0:root:/:/bin/false\nnobody:x:65534:65534:nobody:/:/bin/false\n' > "$folder/etc/passwd"
    for program in "$@"; do
        name="$(basename "$program")"
        cp "$program" "$folder/bin/${name#prometheus-}"
        # A static program loads none, and ldd says so with an error.
        { ldd "$program" 2> /dev/null || true; } | grep -o '/[^ ]*' | while read -r library; do
            mkdir -p "$folder$(dirname "$library")"
            cp -L "$library" "$folder$library"
        done
    done
}

# import FOLDER IMAGE CHANGE…: makes an image of a folder.
import() {
    local folder="$1" image="$2" change changes=()
    shift 2
    for change in "$@"; do changes+=(--change "$change"); done
    tar -C "$folder" -c . | docker import "${changes[@]}" - "$image" > /dev/null
    rm -rf "$folder"
}

prometheus_images() {
    local folder="$1" version promtool prometheus alertmanager templates
    IFS=$'\t' read -r version promtool prometheus alertmanager \
        <<< "$("$root/stack/prometheus.sh" --prometheus3 | awk -F '\t' '$3 != "-" && $4 != "-"' | tail -n 1)"
    say "images of Prometheus $version and its Alertmanager"
    fill "$folder/rootfs" /prometheus "$prometheus" "$promtool"
    import "$folder/rootfs" llmdash-prometheus:test \
        'ENTRYPOINT ["/bin/prometheus"]' 'USER nobody' 'WORKDIR /prometheus' 'ENV PATH=/bin'
    fill "$folder/rootfs" /alertmanager "$alertmanager" "$(dirname "$alertmanager")/amtool"
    # Debian's has its templates beside it, an official one inside.
    templates="$(dirname "$(dirname "$alertmanager")")/share/prometheus/alertmanager"
    if [[ -d "$templates" ]]; then
        mkdir -p "$folder/rootfs/usr/share/prometheus"
        cp -r "$templates" "$folder/rootfs/usr/share/prometheus/"
    fi
    import "$folder/rootfs" llmdash-alertmanager:test \
        'ENTRYPOINT ["/bin/alertmanager"]' 'USER nobody' 'WORKDIR /alertmanager' 'ENV PATH=/bin'
}

# A Debian with Python, NGINX and wget, and with what this machine trusts and finds packages by.
debian_image() {
    local folder="$1/debian"
    install_packages debootstrap
    debootstrap --variant=minbase "$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)" "$folder" "$(debian_mirror)" >&2
    # Nothing that is installed here is started here.
    printf '#!/bin/sh\nexit 101\n' > "$folder/usr/sbin/policy-rc.d"
    chmod 755 "$folder/usr/sbin/policy-rc.d"
    cp /etc/resolv.conf "$folder/etc/resolv.conf"
    DEBIAN_FRONTEND=noninteractive chroot "$folder" apt-get -qq install -y --no-install-recommends \
        ca-certificates nginx-light python3 python3-venv wget >&2
    rm -rf "$folder"/var/cache/apt/archives/*.deb "$folder"/var/lib/apt/lists/*
    cp -L /etc/ssl/certs/ca-certificates.crt "$folder/etc/ssl/certs/ca-certificates.crt"
    if [[ -f /etc/pip.conf ]]; then cp /etc/pip.conf "$folder/etc/pip.conf"; fi
    import "$folder" llmdash-debian:test 'CMD ["/bin/sh"]'
}

# Of the files that the Dockerfile asks for alone: the old builder sends all that it is given.
llmstack_image() {
    tar -C "$root" --exclude=__pycache__ -c pyproject.toml constraints.txt README.md LICENSE llmdash stack/llmstack stack/Dockerfile |
        DOCKER_BUILDKIT=0 docker build --quiet --network host --file stack/Dockerfile --tag llmdash-llmstack:test \
            --build-arg PYTHON_IMAGE=llmdash-debian:test - >&2
}

start() {
    local folder="$1" host
    mkdir -p "$folder/data" "$folder/exec" "$folder/config"
    host="unix://$folder/docker.sock"
    install_engine
    export DOCKER_HOST="$host" DOCKER_CONFIG="$folder/config"
    install_compose "$folder"
    dockerd -H "$host" --data-root "$folder/data" --exec-root "$folder/exec" --pidfile "$folder/dockerd.pid" \
        > "$folder/dockerd.log" 2>&1 &
    for _ in $(seq 100); do
        [[ -S "$folder/docker.sock" ]] && docker version > /dev/null 2>&1 && break
        sleep 0.2
    done
    if ! docker version > /dev/null 2>&1; then
        say "the engine does not start:"
        tail -n 20 "$folder/dockerd.log" >&2
        return 1
    fi
    prometheus_images "$folder"
    debian_image "$folder"
    llmstack_image
    printf '%s\n' "DOCKER_HOST=$host" "DOCKER_CONFIG=$folder/config" \
        LLMDASH_PROMETHEUS_IMAGE=llmdash-prometheus:test \
        LLMDASH_ALERTMANAGER_IMAGE=llmdash-alertmanager:test \
        LLMDASH_LLMSTACK_IMAGE=llmdash-llmstack:test \
        LLMDASH_DEBIAN_IMAGE=llmdash-debian:test \
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
        sed -n '2,11s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
        exit 2
        ;;
esac
