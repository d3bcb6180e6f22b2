#!/bin/sh
# Called by mmdebstrap with the new root file system when its packages are installed.
# Adds the recipe's files, runs its customize.sh inside, and makes the disk's file system from it.
# Environment: RECIPE (folder), OUT (folder), DISK_SIZE, FS_UUID.
set -eu
root=$1

cp "$root"/boot/vmlinuz-* "$OUT/vmlinuz"
cp "$root"/boot/initrd.img-* "$OUT/initrd"
chmod 644 "$OUT/vmlinuz" "$OUT/initrd"
chroot "$root" dpkg-query --show --showformat '${Package} ${Version}\n' >"$OUT/packages.txt"

cp -r --no-preserve=ownership "$RECIPE/files/." "$root"
# The checkout's umask must not decide who may write in the image.
(cd "$RECIPE/files" && find . -type d) | while read -r path; do chmod 755 "$root/$path"; done
(cd "$RECIPE/files" && find . -type f) | while read -r path; do chmod go-w,a+rX "$root/$path"; done
cp "$RECIPE/customize.sh" "$root/customize.sh"
chroot "$root" sh /customize.sh
rm "$root/customize.sh"

# A plain bind mount leaves out what mmdebstrap has mounted inside (proc, sys, dev).
truncate -s "$DISK_SIZE" "$OUT/disk.raw"
mkdir "$OUT/root"
unshare -m sh -euc '
  mount --make-rprivate /
  mount --bind "$1" "$2/root"
  rm -rf "$2"/root/tmp/* "$2"/root/run/* "$2"/root/var/tmp/*
  # No checksums of metadata: a processor without the instruction spends its time on them.
  mke2fs -q -t ext4 -O ^metadata_csum -m 1 -L root -U "$FS_UUID" -E hash_seed="$FS_UUID" \
    -d "$2/root" "$2/disk.raw"
' sh "$root" "$OUT"
rmdir "$OUT/root"
