#!/bin/sh
# Debian's Chromium and Firefox, for the tests in real browsers. Where they can't be installed, the
# tests of them are skipped, and this says so; .ci/run takes no such skip.
updated=""
for package in chromium firefox-esr; do
    command -v "$package" >/dev/null && continue
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "no $package here: its tests are skipped (as root: apt install $package)"
        continue
    fi
    [ -n "$updated" ] || apt-get update --quiet >/dev/null || true
    updated=yes
    DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends \
        "$package" >/dev/null || echo "$package can't be installed: its tests are skipped"
done
