#!/bin/sh
# Debian's sshd for the tests that log in, unpacked into a folder of the user's cache: nothing is
# installed, no service runs. Where it can't be had, those tests are skipped, and this says so;
# .ci/run takes no such skip.
folder="${XDG_CACHE_HOME:-$HOME/.cache}/edgewright-tests/sshd"
[ -x "$folder/usr/sbin/sshd" ] && exit 0
if ! command -v apt-get >/dev/null || ! command -v dpkg >/dev/null; then
    echo "no apt-get here: the tests that log in are skipped"
    exit 0
fi
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
# libnss-wrapper gives it a user with a home folder of the test's own
packages="openssh-server libwrap0 libnss-wrapper"
# shellcheck disable=SC2086
if ! apt-get download --quiet $packages >/dev/null 2>&1; then
    apt-get update --quiet >/dev/null 2>&1
    if ! apt-get download --quiet $packages >/dev/null 2>&1; then
        echo "openssh-server can't be fetched: the tests that log in are skipped"
        exit 0
    fi
fi
for package in *.deb; do
    dpkg -x "$package" "$work/root" || exit 1
done
mkdir -p "$(dirname "$folder")"
mv "$work/root" "$folder" 2>/dev/null || [ -x "$folder/usr/sbin/sshd" ]
