#!/usr/bin/env bash
# Finds, or installs, promtool, Prometheus, Alertmanager and amtool, and lists what is there.
#
#   stack/prometheus.sh                 list what is found; when nothing is, install it first
#   stack/prometheus.sh --found         list what is found, install nothing
#   stack/prometheus.sh --prometheus2   as the first, and a 2.x must be among them
#   stack/prometheus.sh --prometheus3   as the first, and a 3.x must be among them
#
# Standard output is one line a version, oldest first, four fields with a tab between them; `-` is what is missing:
#
#   version  promtool  prometheus  alertmanager
#
# amtool is beside alertmanager (which Debian calls prometheus-alertmanager).
# All that is said to people goes to standard error. Looked through, in this order: PATH, the folders in
# LLMDASH_PROMETHEUS_DIRS (colon separated; each holds promtool, bin/promtool or usr/bin/promtool), and .tools/ here.
# Where one version is found twice, the more complete one is listed, else the first.

set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
tools="$root/.tools"

# The long-term release of Prometheus and the Alertmanager of its time. The sums stand in the releases' sha256sums.txt;
# these were read from kolla/common/sources.py of openstack/kolla and agree with boxcutter/oci (Alertmanager) and others.
# shellcheck disable=SC2034  # install_release reads them by the name it puts together
{
    prometheus_version=3.5.0
    prometheus_sha256_amd64=e811827af26d822afb09a4f28314f61b618b12cff5369835a67f674d8b46f39a
    prometheus_sha256_arm64=173389cc42bf09c4e6e54cb53fa07a5a835d7c261e14775d2183181d6e385d1c
    alertmanager_version=0.28.1
    alertmanager_sha256_amd64=5ac7ab5e4b8ee5ce4d8fb0988f9cb275efcc3f181b4b408179fafee121693311
    alertmanager_sha256_arm64=d8832540e5b9f613d2fd759e31d603173b9c61cc7bb5e3bc7ae2f12038b1ce4f
}

say() { printf 'prometheus.sh: %s\n' "$*" >&2; }

# --- finding ---------------------------------------------------------------------------------------------------------

# Prints the version a promtool gives itself, without a distribution's suffix; nothing when it does not run.
version_of() {
    "$1" --version 2>&1 | sed -n '1s/^promtool, version \([0-9][0-9.]*\).*/\1/p' || true
}

# Prints the first of the named programs that a folder holds, else `-`.
program_in() {
    local folder="$1" name
    shift
    for name in "$@"; do
        if [[ -f "$folder/$name" && -x "$folder/$name" ]]; then
            printf '%s' "$folder/$name"
            return
        fi
    done
    printf -- '-'
}

# Prints the folders to look in, one a line.
folders() {
    local entry entries
    IFS=: read -r -a entries <<< "$PATH"
    for entry in "${entries[@]}"; do
        if [[ "$entry" == /* ]]; then printf '%s\n' "$entry"; fi
    done
    IFS=: read -r -a entries <<< "${LLMDASH_PROMETHEUS_DIRS:-}"
    for entry in "${entries[@]}" "$tools"/*; do
        if [[ -d "$entry" ]]; then
            entry="$(cd "$entry" && pwd)"
            printf '%s\n' "$entry" "$entry/bin" "$entry/usr/bin"
        fi
    done
}

# Prints the list that the head of this file describes.
found() {
    local folder promtool version
    folders | while IFS= read -r folder; do
        promtool="$(program_in "$folder" promtool)"
        if [[ "$promtool" == - ]]; then continue; fi
        version="$(version_of "$promtool")"
        if [[ -z "$version" ]]; then continue; fi
        printf '%s\t%s\t%s\t%s\n' "$version" "$promtool" \
            "$(program_in "$folder" prometheus)" \
            "$(program_in "$folder" alertmanager prometheus-alertmanager)"
    done | awk -F '\t' '
        { missing = 0; for (field = 3; field <= NF; field++) missing += $field == "-" }
        !($1 in line) || missing < fewest[$1] { line[$1] = $0; fewest[$1] = missing }
        END { for (version in line) print line[version] }
    ' | sort -V
}

# Says whether a version of a major is found; any version when no major is named.
have() { found | grep "^${1-}" > /dev/null; }

# --- installing ------------------------------------------------------------------------------------------------------
# A function that installs is called where the shell ignores `set -e`, so it names each step that may end it.

scratch=
policy=/usr/sbin/policy-rc.d
policy_mark='# Written by stack/prometheus.sh for the length of one installation.'

clean_up() {
    if [[ -n "$scratch" ]]; then rm -rf "$scratch"; fi
    # The mark also finds a file that a killed run left behind, and spares one that is not ours.
    if grep -qsF "$policy_mark" "$policy"; then as_root rm -f "$policy"; fi
}

as_root() {
    if [[ "$(id -u)" == 0 ]]; then
        "$@"
    elif command -v sudo > /dev/null; then
        # Asks for a password only where somebody can type one.
        if [[ -t 0 ]]; then sudo "$@"; else sudo -n "$@"; fi
    else
        return 1
    fi
}

# Makes the folder where a download is put together; only a whole one is moved out of it.
new_scratch() {
    mkdir -p "$tools" && rm -rf "$tools"/.partial.* && scratch="$(mktemp -d "$tools/.partial.XXXXXX")"
}

sha256_of() {
    if command -v sha256sum > /dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

# fetch URL FILE SHA256
fetch() {
    if command -v curl > /dev/null; then
        curl --fail --location --silent --show-error --connect-timeout 5 --max-time 600 --output "$2" "$1" >&2
    elif command -v wget > /dev/null; then
        wget --quiet --tries=1 --connect-timeout=5 --read-timeout=60 --output-document="$2" "$1" >&2
    else
        say 'neither curl nor wget is there to download with'
        return 1
    fi || return 1
    if [[ "$(sha256_of "$2")" != "$3" ]]; then
        say "$1 has another SHA-256 than the one pinned here; it is not used"
        return 1
    fi
}

install_release() {
    local machine project version sum archive target="$tools/prometheus-$prometheus_version"
    case "$(uname -s)-$(uname -m)" in
        Linux-x86_64) machine=amd64 ;;
        Linux-aarch64 | Linux-arm64) machine=arm64 ;;
        *) say "no official release is pinned for $(uname -s) on $(uname -m)"; return 1 ;;
    esac
    say "downloading Prometheus $prometheus_version and Alertmanager $alertmanager_version into .tools/"
    new_scratch && mkdir "$scratch/whole" || return 1
    for project in prometheus alertmanager; do
        version="${project}_version"
        sum="${project}_sha256_$machine"
        archive="$project-${!version}.linux-$machine.tar.gz"
        fetch "https://github.com/prometheus/$project/releases/download/v${!version}/$archive" \
            "$scratch/$archive" "${!sum}" || return 1
        tar -xzf "$scratch/$archive" -C "$scratch/whole" --strip-components=1 || return 1
    done
    rm -rf "$target" && mv "$scratch/whole" "$target"
}

install_distribution_package() {
    local packages=(prometheus prometheus-alertmanager)
    if ! command -v apt-get > /dev/null; then
        say 'this system has no apt-get to install Prometheus with'
        return 1
    fi
    if ! as_root true 2> /dev/null; then
        say 'apt-get needs root, and this is neither root nor allowed to use sudo'
        return 1
    fi
    say "installing the distribution's packages: ${packages[*]}"
    # Debian starts a service when it is installed; nobody asked for servers on 9090 and 9093.
    if [[ ! -e "$policy" ]]; then
        printf '#!/bin/sh\n%s\nexit 101\n' "$policy_mark" | as_root tee "$policy" > /dev/null || return 1
        as_root chmod 755 "$policy" || return 1
    fi
    local get=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300)
    local install=("${get[@]}" install -y --no-install-recommends "${packages[@]}")
    # A list of packages that is missing or old names files that the mirror does not have.
    if ! as_root "${install[@]}" > /dev/null 2>&1; then
        as_root "${get[@]}" update >&2 && as_root "${install[@]}" >&2
    fi
}

# Prints the Debian mirror that this machine is set up with, in either style of sources.
debian_mirror() {
    {
        cat /etc/apt/sources.list.d/*.sources 2> /dev/null | sed -n 's/^URIs: *//p' | tr ' ' '\n'
        cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2> /dev/null |
            sed -n 's/^deb  *\(\[[^]]*\] *\)\{0,1\}\([^ ]*\).*/\2/p'
    } | grep -E '/debian/?$' | head -n 1 || true
}

# Debian unstable has a 3.x. Its files run on Debian 12 when unpacked; nothing of the system is touched.
install_from_debian_unstable() {
    local mirror keyring=/usr/share/keyrings/debian-archive-keyring.gpg package
    mirror="$(debian_mirror)"
    if [[ -z "$mirror" || ! -e "$keyring" ]] || ! command -v apt-get > /dev/null || ! command -v dpkg > /dev/null; then
        say 'this is not a Debian with a mirror, so there is no Debian unstable to take a 3.x from'
        return 1
    fi
    say "unpacking Prometheus 3 of Debian unstable into .tools/"
    new_scratch && mkdir -p "$scratch"/{lists,cache/archives}/partial "$scratch/root" || return 1
    printf 'deb [signed-by=%s] %s sid main\n' "$keyring" "$mirror" > "$scratch/sid.list"
    local get=(
        apt-get -qq
        -o "Dir::Etc::sourcelist=$scratch/sid.list" -o Dir::Etc::sourceparts=-
        -o "Dir::State::lists=$scratch/lists" -o "Dir::Cache=$scratch/cache"
        # The user that apt fetches as may not reach a checkout below a home folder.
        -o APT::Sandbox::User=root
    )
    (
        cd "$scratch" && "${get[@]}" update &&
            "${get[@]}" download prometheus promtool prometheus-alertmanager || exit 1
        for package in ./*.deb; do dpkg -x "$package" root || exit 1; done
    ) >&2 || return 1
    if [[ -z "$(version_of "$scratch/root/usr/bin/promtool")" ]]; then
        say 'the promtool of Debian unstable does not run here'
        return 1
    fi
    rm -rf "$tools/prometheus3" && mv "$scratch/root" "$tools/prometheus3"
}

# try WAY MAJOR: whether a way of installing ends with a version of the major.
try() {
    local worked=0
    # In a shell of its own, whose end clears up, however it comes.
    (trap clean_up EXIT; "$1") || worked=1
    [[ "$worked" == 0 ]] && have "$2"
}

# --- what was asked for ----------------------------------------------------------------------------------------------

any() {
    have '' && return
    try install_release '' || try install_distribution_package '' && return
    say 'promtool and Prometheus are not here and could not be installed. Any of these three will do:
  1. have promtool, prometheus and alertmanager on PATH, or in a folder named in LLMDASH_PROMETHEUS_DIRS;
  2. let this script reach https://github.com/prometheus, from where it downloads the official release;
  3. apt-get install prometheus prometheus-alertmanager, as root.'
    return 1
}

major() {
    local wanted="$1" way
    shift
    have "$wanted\." && return
    for way in "$@"; do
        try "$way" "$wanted\." && return
    done
    say "no Prometheus $wanted.x is here and none could be installed; put its folder into LLMDASH_PROMETHEUS_DIRS"
    return 1
}

main() {
    # One run at a time installs; the lock goes with the process.
    if [[ "${1-}" != --found ]] && command -v flock > /dev/null; then
        mkdir -p "$tools"
        exec 9> "$tools/.lock"
        flock 9
    fi
    case "${1-}" in
        --found) ;;
        '') any ;;
        --prometheus2) major 2 install_distribution_package ;;
        --prometheus3) major 3 install_release install_from_debian_unstable ;;
        *) say "unknown argument $1; see the head of this file"; return 2 ;;
    esac
    found
}

main "$@"
