#!/bin/bash
# A thin substitute for systemctl where no systemd runs: it reads the same unit files and drop-ins,
# obeys the directives that the scripts under test rely on (Condition, EnvironmentFile, User, Type,
# RuntimeDirectory, ExecStart) and keeps pids under /run/substitute. It restarts nothing by itself.
# An unset variable in ExecStart is empty, as for systemd; hence no "set -u".
state=/run/substitute
wants=/etc/systemd/system/multi-user.target.wants

lines() { # the merged text of a unit and its drop-ins
  cat "/lib/systemd/system/$1.service" 2>/dev/null
  cat "/etc/systemd/system/$1.service.d/"*.conf 2>/dev/null
}
last() { # value of a directive; an empty assignment resets it, as systemd has it for lists
  lines "$1" | sed -n "s/^$2=//p" | tail -n 1
}
alive() { [ -s "$state/$1.pid" ] && kill -0 "$(cat "$state/$1.pid")" 2>/dev/null; }
active_state() {
  if alive "$1"; then echo active
  elif [ -e "$state/$1.failed" ]; then echo failed
  else echo inactive; fi
}
start() {
  alive "$1" && return 0
  local condition command user kind runtime pidfile environment
  condition=$(last "$1" ConditionPathExists)
  if [ -n "$condition" ] && [ ! -e "$condition" ]; then return 0; fi
  command=$(last "$1" ExecStart)
  user=$(last "$1" User)
  kind=$(last "$1" Type)
  runtime=$(last "$1" RuntimeDirectory)
  environment=$(last "$1" EnvironmentFile)
  environment=${environment#-}
  if [ -n "$runtime" ]; then
    mkdir -p "/run/$runtime"
    chown "${user:-root}:${user:-root}" "/run/$runtime"
    chmod 0755 "/run/$runtime"
  fi
  [ -r "${environment:-/nonexistent}" ] && . "$environment"
  eval "set -- $1 $command"
  local unit=$1
  shift
  local as=()
  [ -n "$user" ] && as=(setpriv "--reuid=$user" "--regid=$user" --init-groups)
  rm -f "$state/$unit.failed"
  if [ "$kind" = forking ]; then
    pidfile=$(last "$unit" PIDFile)
    setsid "${as[@]}" "$@" </dev/null >>"$state/$unit.log" 2>&1 || { : >"$state/$unit.failed"; return 1; }
    for _ in $(seq 50); do [ -s "$pidfile" ] && break; sleep 0.1; done
    cp "$pidfile" "$state/$unit.pid"
  else
    setsid "${as[@]}" "$@" </dev/null >>"$state/$unit.log" 2>&1 &
    echo $! >"$state/$unit.pid"
  fi
}
stop() {
  alive "$1" || return 0
  local pid
  pid=$(cat "$state/$1.pid")
  kill "$pid"
  for _ in $(seq 150); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  kill -9 "$pid" 2>/dev/null
  rm -f "$state/$1.pid"
  sed 's/[. ].*//' /proc/uptime >"$state/$1.inactive"
}

verb=$1
shift
units=() properties=()
now=0 quiet=0
while [ $# -gt 0 ]; do
  case $1 in
  --now) now=1 ;;
  --quiet | -q) quiet=1 ;;
  -p) properties+=("$2"); shift ;;
  --property=*) IFS=, read -ra properties <<<"${1#*=}" ;;
  -*) ;;
  *) units+=("${1%.service}") ;;
  esac
  shift
done
code=0
for unit in "${units[@]:-}"; do
  case $verb in
  boot)
    for link in "$wants"/*.service; do
      [ -e "$link" ] || continue
      name=${link##*/}
      [ "$name" = munge.service ] && start munge
    done
    for link in "$wants"/*.service; do
      [ -e "$link" ] || continue
      name=${link##*/}
      start "${name%.service}"
    done
    ;;
  enable)
    mkdir -p "$wants"
    ln -sf "/lib/systemd/system/$unit.service" "$wants/"
    if [ $now = 1 ]; then start "$unit" || code=1; fi
    ;;
  disable)
    rm -f "$wants/$unit.service"
    [ $now = 1 ] && stop "$unit"
    ;;
  start) start "$unit" || code=1 ;;
  stop) stop "$unit" ;;
  restart) stop "$unit"; start "$unit" || code=1 ;;
  is-active)
    found=$(active_state "$unit")
    [ $quiet = 1 ] || echo "$found"
    [ "$found" = active ] || code=3
    ;;
  show)
    for property in "${properties[@]}"; do
      case $property in
      Id) echo "Id=$unit.service" ;;
      ActiveState) echo "ActiveState=$(active_state "$unit")" ;;
      UnitFileState) [ -e "$wants/$unit.service" ] && echo UnitFileState=enabled || echo UnitFileState=disabled ;;
      InactiveEnterTimestampMonotonic) echo "$property=$(cat "$state/$unit.inactive" 2>/dev/null || echo 0)" ;;
      MainPID) alive "$unit" && echo "MainPID=$(cat "$state/$unit.pid")" || echo MainPID=0 ;;
      esac
    done
    echo
    ;;
  daemon-reload | reset-failed | list-units) ;;
  *) echo "systemctl substitute: unknown verb $verb" >&2; exit 64 ;;
  esac
done
exit $code
