# Shared by the scripts beside it: programs and the packages that bring them.

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }

have() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ]; }

# Whether Debian packages can be installed here without asking.
can_install() { [ "$(id -u)" = 0 ] && have apt-get && have dpkg; }

# provide PROGRAM=PACKAGE[,PACKAGE]… installs the packages of the programs that are missing, or says what is missing.
provide() {
    packages= missing=
    for pair in "$@"; do
        if ! have "${pair%%=*}"; then
            packages="$packages $(echo "${pair#*=}" | tr , " ")"
            missing="$missing ${pair%%=*}"
        fi
    done
    [ -n "$packages" ] || return 0
    if can_install; then
        say "Installing:$packages"
        # Without a network the tests still run, less those that need the programs.
        if install_packages $packages; then return 0; fi
    fi
    printf 'Missing here:%s (Debian packages:%s).\n' "$missing" "$packages" >&2
}

# Installs quietly, and starts none of the services that packages bring: tests start their own.
install_packages() {
    log=$(mktemp)
    policy=/usr/sbin/policy-rc.d
    if [ -e "$policy" ]; then policy=; else printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy"; fi
    status=0
    # A machine made from an image has no package lists, or old ones.
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; } >"$log" 2>&1 ||
        status=$?
    [ -z "$policy" ] || rm -f "$policy"
    [ "$status" = 0 ] || cat "$log" >&2
    rm -f "$log"
    return "$status"
}

# The Rust toolchain and a C compiler, without which nothing can be built.
provide_build_tools() {
    have cargo || { echo 'cargo is missing: install Rust from https://rustup.rs' >&2; exit 1; }
    provide cc=gcc,libc6-dev
    have cc || { echo 'A C compiler is missing: install gcc' >&2; exit 1; }
}
