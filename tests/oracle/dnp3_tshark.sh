#!/usr/bin/env bash
# tshark reads a conversation of our stations: every CRC good, nothing malformed. Exit status 77 (skipped) where there is no tshark.
# Usage: dnp3_tshark.sh DNP3_CAPTURE
set -euo pipefail
command -v tshark >/dev/null || { echo "skipped: there is no tshark: install it with apt-get install tshark"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$1" "$work/capture.pcap"
read_as() { tshark -r "$work/capture.pcap" -d tcp.port==20000,dnp3 "$@" 2>/dev/null; }
# 1 is good; anything else a CRC that is not.
statuses() { read_as -T fields -e "$1" | tr ',' '\n' | grep -v '^$' || true; }
frames=$(statuses dnp.hdr.CRC.status | grep -cx 1 || true)
blocks=$(statuses dnp.data_chunk.CRC.status | grep -cx 1 || true)
bad=$({ statuses dnp.hdr.CRC.status; statuses dnp.data_chunk.CRC.status; } | grep -cvx 1 || true)
malformed=$(read_as -Y '_ws.malformed || _ws.expert.severity == error' | wc -l)
unread=$(read_as -V | grep -ciE 'unknown (object|function|data)' || true)
echo "link_frames=$frames data_blocks=$blocks bad_crcs=$bad malformed=$malformed unread=$unread"
[[ $frames -gt 100 && $blocks -gt 1000 && $bad == 0 && $malformed == 0 && $unread == 0 ]]
