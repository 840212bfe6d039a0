#!/bin/busybox sh
# The guest's whole userland: fills memory as it is told on its second serial line. The first is the
# kernel's console.
bb=/bin/busybox
$bb mount -t devtmpfs dev /dev
$bb mount -t tmpfs -o size=100% ram /ram
exec </dev/ttyS1 >/dev/ttyS1 2>&1
$bb stty raw -echo
echo ready
number=0
while read -r word mib; do
    number=$((number + 1))
    # Noise, for the host could merge equal pages.
    if [ "$word" = fill ] && $bb dd if=/dev/urandom of="/ram/$number" bs=1M count="$mib" 2>/dev/null; then
        echo "filled $mib"
    else
        echo "failed: $word $mib"
    fi
done
