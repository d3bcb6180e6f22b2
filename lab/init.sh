#!/bin/sh
# First process of a lab's namespaces (mount, pid, net): it makes the private mounts, starts virtlogd
# and libvirtd, says "ready" on stdout, and then only reaps orphans until it is told to end.
# It ends on TERM, INT or HUP, and when its stdin (the lifeline that the parent holds) is closed;
# the kernel then kills every process of the namespace, virtual machines included.
# Environment: LAB_DIR, LAB_CACHE, LAB_CONF (libvirtd.conf and qemu.conf), LAB_KVM (1 = leave /dev/kvm),
# LAB_EPHEMERAL (1 = remove LAB_DIR at the end), LAB_LIFELINE (1 = end with stdin),
# LAB_ROOT (folder of another system whose programs make the lab; it is never written to).
set -eu

# "kill -1" below reaches every process of our namespace: nothing else may run this script.
[ $$ = 1 ] || exit 2

fail() {
  echo "error $1"
  exit 1
}

finish() {
  trap '' TERM INT HUP
  kill -9 -1 2>/dev/null || :
  if [ "$LAB_EPHEMERAL" = 1 ]; then rm -rf "$LAB_DIR"; fi
  exit 0
}
trap finish TERM INT HUP
exec 3<&0 </dev/null

# /proc is still that of the parent's pid namespace: this is our pid as the parent sees it.
read -r host_pid _ </proc/self/stat

# Each lab directory belongs to one running lab; the lock dies with the last process that holds it.
exec 9>"$LAB_DIR/lock"
flock -n 9 || fail "another lab runs on $LAB_DIR"

mount --make-rprivate /
mount -t proc proc /proc
# A fresh sysfs shows our own network devices, and no cgroup hierarchy that libvirt could write into.
umount -R -l /sys
mount -t sysfs sysfs /sys
if [ -n "$LAB_ROOT" ]; then
  # What the other system writes goes into memory. Below it, our folders have their usual paths.
  layer="$LAB_DIR/layer" root="$LAB_DIR/layer/root"
  mkdir -p "$layer" "$LAB_CACHE"
  mount -t tmpfs -o mode=755 tmpfs "$layer"
  mkdir "$layer/upper" "$layer/work" "$root"
  mount -t overlay -o "lowerdir=$LAB_ROOT,upperdir=$layer/upper,workdir=$layer/work" overlay "$root"
  for folder in "${LAB_DIR%/*}" "$LAB_CACHE"; do
    mkdir -p "$root$folder"
    mount --bind "$folder" "$root$folder"
  done
  mount --rbind /dev "$root/dev"
  mount --move /proc "$root/proc"
  mount --move /sys "$root/sys"
  mkdir "$root/.old"
  # Programs that enter the lab later get this root too: it is that of the whole mount namespace.
  pivot_root "$root" "$root/.old"
  cd /
  umount -l /.old
fi
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/libvirt /run/lock
for pair in etc:/etc/libvirt run:/run/libvirt lib:/var/lib/libvirt log:/var/log/libvirt; do
  mkdir -p "$LAB_DIR/${pair%%:*}" "${pair#*:}"
  mount --bind "$LAB_DIR/${pair%%:*}" "${pair#*:}"
done
mkdir -p "$LAB_CACHE" /var/cache/libvirt
mount --bind "$LAB_CACHE" /var/cache/libvirt
chmod 755 /var/lib/libvirt /var/cache/libvirt
mkdir -p /etc/libvirt/qemu /etc/libvirt/storage/autostart /var/lib/libvirt/images /var/log/libvirt/qemu
cp "$LAB_CONF"/*.conf /etc/libvirt/
cp "$LAB_CONF/default-pool.xml" /etc/libvirt/storage/default.xml
ln -sf ../default.xml /etc/libvirt/storage/autostart/default.xml
if [ "$LAB_KVM" != 1 ] && [ -e /dev/kvm ]; then
  # Present but unusable, it would make libvirt probe QEMU again on every call.
  : >/run/no-kvm
  chmod 000 /run/no-kvm
  mount --bind /run/no-kvm /dev/kvm
fi
ip link set lo up

rm -f /run/libvirt/libvirt-sock*
virtlogd -d 3<&- 9>&- || fail "virtlogd did not start, see $LAB_DIR/log"
libvirtd -d 3<&- 9>&- || fail "libvirtd did not start, see $LAB_DIR/log/libvirtd.log"

tries=0
until [ -S /run/libvirt/libvirt-sock ]; do
  tries=$((tries + 1))
  [ $tries -le 300 ] || fail "libvirtd opened no socket, see $LAB_DIR/log/libvirtd.log"
  sleep 0.1
done
echo "ready $host_pid"

if [ "$LAB_LIFELINE" = 1 ]; then
  cat <&3 >/dev/null 9>&- &
else
  sleep infinity 3<&- 9>&- &
fi
# "wait" also reaps every orphan that the kernel hands to the first process.
wait $! || :
finish
