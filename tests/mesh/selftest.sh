#!/bin/bash
# Does the mesh do what its README says? Brings one up under a name of its own, looks, takes it down, looks for leftovers.
# usage: selftest.sh [NAME]        (m9 unless told; it must not be up)
set -euo pipefail
# shellcheck source=common.sh
. "$(dirname "$(readlink -f "$0")")/common.sh"
use_mesh "${1:-m9}"
passed=0
trap 'rc=$?; [ $rc = 0 ] || { echo "selftest: stopped at: ${doing:-start}"; "$here/mesh" down "$name"; echo "$passed passed, 1 failed"; }' EXIT
check() { # what command...
  doing=$1
  shift
  "$@" || exit 1
  passed=$((passed + 1))
  echo "ok: $doing"
}
mesh() { "$here/mesh" "$@"; }
is() { [ "$1" = "$2" ] || { echo "got \"$1\", not \"$2\"" >&2; return 1; }; }
has() { [[ $1 == *"$2"* ]] || { echo "\"$2\" is not in: $1" >&2; return 1; }; }
exits() { # code command...
  local rc=0
  "${@:2}" >/dev/null 2>&1 || rc=$?
  is $rc "$1"
}
in_client() { mesh exec "$name" deploy/sleep -c sleep -- "$@" 2>/dev/null; }
no_op() {
  local before=${EPOCHREALTIME/[.,]/}
  mesh up "$name" >/dev/null 2>&1
  [ $((${EPOCHREALTIME/[.,]/} - before)) -lt 1000000 ]
}
cgroups() { find /sys/fs/cgroup -maxdepth 2 -name "$link"; }
processes() { grep -lsF -f <(echo "$run/") /proc/[0-9]*/cmdline || true; }
mounts() { cat /proc/[0-9]*/mountinfo 2>/dev/null | grep -F "$run/" || true; } # in any process's mount namespace
namespaces_gone() { # the first processes' namespaces are nobody's any more
  local left
  left=$(for p in /proc/[0-9]*/ns/net; do readlink "$p" || true; done 2>/dev/null | grep -xF -e "$1" -e "$2" || true)
  is "$left" ""
}

check "bad usage exits 64" exits 64 mesh up nosuch
check "an unknown command exits 64" exits 64 mesh fly
check "$name is down at first" exits 3 mesh status "$name"
settings=$(cat /proc/sys/vm/overcommit_memory /proc/sys/kernel/panic /proc/sys/kernel/panic_on_oops)
check "up" mesh up "$name"
check "a second up does nothing, in less than a second" no_op
check "status exits 0" exits 0 mesh status "$name"
check "kubeconfig works from here" has "$(kubectl get nodes --no-headers)" " Ready "
check "the client has a sidecar" has "$(kubectl get pod -l app=sleep -o jsonpath='{.items[*].spec.initContainers[*].name}')" istio-proxy
check "http answers 301" is "$(in_client curl -s -o /dev/null -m 10 -w '%{http_code}' http://edition.cnn.com/politics)" 301
check "https answers HTTP/2 200, its certificate trusted" is "$(in_client curl -s -o /dev/null -m 10 -w '%{http_version} %{http_code}' https://edition.cnn.com/politics)" "2 200"
check "the body names the host" is "$(in_client curl -s -m 10 https://api.example.com/)" api.example.com
check "a database's port speaks first" has "$(in_client sh -c 'sleep 2 | nc -w 3 db.example.com 5432 || true')" "db.example.com ready"
check "an unknown name is unknown" is "$(in_client sh -c 'getent hosts nosuch.example.org || echo none')" none
client=$(kubectl get pod -l app=sleep -o jsonpath='{.items[0].status.podIP}')
check "the internet saw the client's http" grep -q "^$client http edition.cnn.com \"GET /politics HTTP/1.1\" 301" "$run/internet/access.log"
check "the internet saw the client's https" grep -q "^$client https edition.cnn.com \"GET /politics HTTP/2.0\" 200" "$run/internet/access.log"
check "logs of a pod" has "$(mesh logs "$name" deploy/sleep -c istio-proxy)" "Envoy proxy is ready"
check "logs of the node" has "$(mesh logs "$name" kubelet)" kubelet
check "no access log by default" is "$(mesh logs "$name" deploy/sleep -c istio-proxy | grep -c 'edition.cnn.com' || true)" 0
check "node" has "$(mesh node "$name" ip addr)" "$node_ip"
check "outside" has "$(mesh outside "$name" ip addr)" 203.0.113.10
check "the node has no way out" is "$(mesh node "$name" ip route show default)" ""
check "the internet has no way out" is "$(mesh outside "$name" ip route show default)" ""
node_net=$(readlink "/proc/$(cat "$run/node.pid")/ns/net") outside_net=$(readlink "/proc/$(cat "$run/outside.pid")/ns/net")
try() { in_client curl -s -o /dev/null -m 2 -w '%{http_code}' "http://www.wikipedia.org" || true; }
check "--policy firewall is added to a running mesh" mesh up "$name" --policy firewall
check "the firewall keeps a client from the internet" is "$(try)" 000
check "--policy enforce" mesh up "$name" --policy enforce
check "without a NetworkPolicy everything passes" is "$(try)" 301
check "a NetworkPolicy is accepted" kubectl create -f - <<<'{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: no-db}, spec: {podSelector: {}, policyTypes: [Egress],
  egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [203.0.113.13/32]}}]}]}}'
sleep 1
check "what it forbids does not pass" is "$(in_client sh -c 'sleep 2 | nc -w 2 db.example.com 3306 || true')" ""
check "what it allows passes" is "$(try)" 301
check "--access-log is added to a running mesh" mesh up "$name" --access-log
check "down" mesh down "$name"
check "no mount is left" is "$(mounts)" ""
check "no link is left" is "$(ip -o link show | grep -c "$link@" || true)" 0
check "no cgroup is left" is "$(cgroups)" ""
check "no process is left" is "$(processes)" ""
check "no namespace is left" namespaces_gone "$node_net" "$outside_net"
check "the machine's kernel settings are as they were" is "$(cat /proc/sys/vm/overcommit_memory /proc/sys/kernel/panic /proc/sys/kernel/panic_on_oops)" "$settings"
check "no state is left" is "$(find "$run" -maxdepth 1 \( -name etcd -o -name var -o -name '*.pid' \))" ""
check "down again is fine" mesh down "$name"
echo "$passed passed, 0 failed"
