# shellcheck shell=bash disable=SC2034,SC2154,SC2086 # names are shared with the files sourced beside it; codes are numbers
# Names, places and the way to speak, for every script of the mesh. Sourced.
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
home=$(readlink -m "${EGRESS_MESH_HOME:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/kubectl-egress/mesh}")
bin=$home/bin

# Exit codes, after sysexits.h where it has one.
EX_DOWN=3         # `status`, or a command that needs a running mesh: it is not up
EX_USAGE=64       # bad usage
EX_UNAVAILABLE=69 # a program or package that is needed is missing
EX_OS=71          # the kernel or the system cannot carry a mesh
EX_NOPERM=77      # not root

began=${EPOCHREALTIME/[.,]/}
step() { # one progress line, with the seconds since the command began
  local ms=$(((${EPOCHREALTIME/[.,]/} - began) / 1000))
  printf 'mesh: [%4d.%d s] %s\n' $((ms / 1000)) $((ms % 1000 / 100)) "$*" >&2
}
die() { # exit-code sentence
  echo "mesh: $2" >&2
  exit "$1"
}

use_mesh() { # set everything that follows from a mesh's name
  name=$1
  local number=${name#m}
  [ "$name" = main ] && number=10
  net=172.31.$((200 + number)) # .1 is this machine, .2 the node
  node_ip=$net.2
  run=$home/run/$name
  pki=$run/pki
  log=$run/log
  link=mesh-$name
  use_istio "$(cat "$run/istio-name" 2>/dev/null || echo main)" || use_istio main
  export KUBECONFIG=$run/kubeconfig PATH=$istio_bin:$bin:$PATH
}

alive() { # node|outside: is that first process of this mesh running? (a pid alone could be somebody else's by now)
  local pid
  pid=$(cat "$run/$1.pid" 2>/dev/null) && [ -n "$pid" ] && tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF "$run"
}
is_up() { [ -f "$run/ready" ] && alive node && alive outside; }
need_up() { is_up || die $EX_DOWN "$name is not up; start it with: mesh up $name"; }
