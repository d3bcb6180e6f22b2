#!/bin/sh
# Runs in the new root file system after the packages and the files are there.
# Makes the image generic (no identity, no secret, no cluster) and quick to boot.
set -eu

systemctl enable --quiet systemd-networkd.service resolv-conf.path \
  grow-root.service qemu-guest-agent.service
# No fstab: the kernel mounts the root file system, and grow-root.service grows it.
: >/etc/fstab
ln -sf /run/resolv.conf /etc/resolv.conf

# A node starts the daemons of its cluster when it is given its role.
systemctl disable --quiet slurmctld.service slurmd.service munge.service

# Nothing runs by itself beside a benchmark, nobody logs in on a console.
systemctl mask --quiet \
  apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer \
  systemd-tmpfiles-clean.timer e2scrub_reap.service getty.target getty@tty1.service \
  getty-static.service systemd-user-sessions.service systemd-ask-password-wall.path \
  systemd-ask-password-console.path systemd-update-utmp.service \
  systemd-update-utmp-runlevel.service systemd-pstore.service systemd-binfmt.service \
  systemd-firstboot.service systemd-sysusers.service systemd-repart.service \
  systemd-pcrphase.service systemd-pcrphase-sysinit.service systemd-journal-flush.service \
  systemd-modules-load.service systemd-random-seed.service systemd-remount-fs.service \
  systemd-initctl.socket systemd-journald-audit.socket systemd-network-generator.service \
  sys-fs-fuse-connections.mount sys-kernel-config.mount sys-kernel-debug.mount \
  sys-kernel-tracing.mount proc-sys-fs-binfmt_misc.automount \
  cryptsetup.target integritysetup.target veritysetup.target remote-fs.target
systemctl set-default --quiet multi-user.target
# Started only when something asks for it, such as "systemctl reboot".
rm -f /lib/systemd/system/multi-user.target.wants/systemd-logind.service
# Every unit is native: with these scripts "systemctl enable" runs slow compatibility tools.
rm -f /etc/init.d/* /etc/rc?.d/*

# Each generator is a program that every boot waits for.
mkdir -p /etc/systemd/system-generators
for generator in /usr/lib/systemd/system-generators/*; do
  ln -sf /dev/null "/etc/systemd/system-generators/${generator##*/}"
done

# No identity: it comes with the first boot, from DHCP, SMBIOS credentials and ssh-host-key.service.
rm -f /etc/ssh/ssh_host_* /etc/munge/munge.key /var/lib/dbus/machine-id
rm -rf /root/.ssh /var/lib/systemd/random-seed
: >/etc/machine-id
echo node >/etc/hostname
printf '127.0.0.1 localhost\n::1 localhost ip6-localhost\n' >/etc/hosts

# Nothing left from the build.
rm -rf /boot/* /initrd.img* /vmlinuz* /var/lib/apt/lists/* /var/cache/apt/*
rm -rf /var/cache/debconf/*-old /var/lib/dpkg/*-old /var/cache/ldconfig/aux-cache
find /var/log -type f -delete
