#!/bin/sh
# First process of one machine: its own /etc, /var and /run over the host's, kept in DISK, and the
# substitute of systemctl. Daemons that are enabled start now, as at a boot.
# usage: machine.sh DISK SYSTEMCTL
set -eu
disk=$1
substitute=$2
trap 'exit 0' TERM
mount --make-rprivate /
mkdir -p "$disk"
# The folders of the daemons begin as the packages leave them; the rest of /var/lib is empty.
for dir in /etc/slurm /etc/munge /etc/systemd/system /etc/default /var/lib /var/log /var/spool; do
  if [ ! -d "$disk$dir" ]; then
    mkdir -p "$disk$dir"
    chown --reference="$dir" "$disk$dir"
    chmod --reference="$dir" "$disk$dir"
  fi
done
for dir in slurm munge; do
  install -d --owner=$dir --group=$dir -m 0755 "$disk/var/lib/$dir" "$disk/var/log/$dir"
done
for dir in /etc/slurm /etc/munge /etc/systemd/system /etc/default /var/lib /var/log /var/spool; do
  mount --bind "$disk$dir" "$dir"
done
for file in /etc/hostname /etc/hosts; do
  [ -e "$disk$file" ] || printf 'localhost\n' >"$disk$file"
  mount --bind "$disk$file" "$file"
done
mount -t tmpfs tmpfs /run
printf '127.0.0.1 localhost\n' >/etc/hosts
hostname "$(cat /etc/hostname)"
mount --bind "$substitute" /usr/bin/systemctl
mkdir -p /run/substitute
systemctl boot
echo ready
# "wait" also reaps the orphans that the kernel hands to the first process.
while :; do sleep 1000 & wait $! || :; done
