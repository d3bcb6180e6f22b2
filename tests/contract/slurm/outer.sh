#!/bin/sh
# First process of the test's namespaces: a bridge, then one network namespace per machine.
# It reaps orphans, and ends with everything in it when its stdin is closed.
# usage: outer.sh MACHINE...
set -eu

mount --make-rprivate /
mount -t tmpfs tmpfs /run
ip link set lo up
ip link add br0 type bridge
ip address add 10.77.0.254/24 dev br0
ip link set br0 up
number=1
for name; do
  ip netns add "$name"
  ip link add "v$number" type veth peer name eth0 netns "$name"
  ip link set "v$number" master br0 up
  ip -n "$name" link set lo up
  ip -n "$name" address add "10.77.0.$number/24" dev eth0
  ip -n "$name" link set eth0 up
  number=$((number + 1))
done
echo ready
cat >/dev/null
