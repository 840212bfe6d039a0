# What the first process of the namespaces does: it hides the host's libvirt, starts one of its own, and
# becomes the program that is given after the directory ("$1"), the files ("$2") of the cgroups to enter, and
# the VMI's UID ("$3").
directory=$1
for procs in $2; do
    echo 0 >"$procs"
done
uid=$3
shift 3

for hidden in /etc/libvirt /var/lib /var/cache /var/log /run; do
    mount -t tmpfs edgebench "$hidden"
done
mkdir -p "/run/kubevirt-private/$uid"
mkdir "$directory/drivers" "$directory/hugepages"
mount -t hugetlbfs edgebench "$directory/hugepages" || true

# Of the drivers that Debian installs only qemu's: no networks, no storage pools, no devices of this host.
for driver in /usr/lib/*/libvirt/connection-driver/libvirt_driver_qemu.so; do
    ln -s "$driver" "$directory/drivers/"
done
export LIBVIRT_DRIVER_DIR="$directory/drivers"

# libvirtd looks this user up before it reads who is to run qemu; Debian adds it with libvirt-daemon-system,
# which would also start a libvirtd of the host.
for file in passwd group; do
    cp "/etc/$file" "$directory/$file"
    grep -q '^libvirt-qemu:' "$directory/$file" || case $file in
        passwd) echo 'libvirt-qemu:x:64055:64055::/:/usr/sbin/nologin' ;;
        group) echo 'libvirt-qemu:x:64055:' ;;
    esac >>"$directory/$file"
    mount --bind "$directory/$file" "/etc/$file"
done

# As KubeVirt has it: no cgroup controllers. Then libvirt takes the CPU time of a domain from /proc.
cat >/etc/libvirt/qemu.conf <<END
user = "root"
group = "root"
dynamic_ownership = 0
security_driver = "none"
cgroup_controllers = [ ]
namespaces = [ ]
stdio_handler = "file"
hugetlbfs_mount = "$directory/hugepages"
END
cat >/etc/libvirt/libvirtd.conf <<END
unix_sock_dir = "$directory"
auth_unix_ro = "none"
auth_unix_rw = "none"
log_outputs = "3:file:$directory/libvirtd.log"
END
libvirtd -f /etc/libvirt/libvirtd.conf -p /run/libvirtd.pid &

# Who ends in these namespaces and has lost its parent is this process' child. Were it not to be waited for,
# libvirtd would wait 40 seconds for each qemu that it asks what it can do; the kernel waits for the children
# of who ignores their end (wait(2)).
exec env --ignore-signal=CHLD "$@"
