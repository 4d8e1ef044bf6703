#!/bin/bash
# First process of a mesh's node: a real Kubernetes control plane, kubelet and containerd in namespaces of their own.
# usage: node.sh RUN NAME ADDRESS BIN IMAGES
set -euo pipefail
run=$1 name=$2 address=$3 bin=$4 images=$5 home=${1%/run/*}
pki=$run/pki log=$run/log
mkdir -p "$log"
export PATH=$bin:$PATH

# A private /var and /run, so that nothing of the node lands in, or is read from, the machine's. The cache folder stays
# where it is, also where it is in one of these.
hidden() { case $home in /var/* | /run/*) ;; *) false ;; esac; }
mount --make-rprivate /
if hidden; then mount --rbind "$home" /mnt; fi
mkdir -p "$run/var"/{lib,log,tmp,cache} "$run/cni" "$run/kubelet/plugins"
mount --bind "$run/var" /var
mount -t tmpfs -o mode=755 run /run
ln -sfn /run /var/run
mkdir -p /run/netns
if hidden; then
  mkdir -p "$home"
  mount --move /mnt "$home"
fi
mount --make-rshared /
# The kubelet wants some kernel settings that are the whole machine's. It finds them as it wants them, and leaves them alone.
mkdir /run/sysctl
while read -r setting value; do
  [ -f "/proc/sys/$setting" ] || continue
  echo "$value" >"/run/sysctl/${setting//\//.}"
  mount --bind "/run/sysctl/${setting//\//.}" "/proc/sys/$setting"
done <<S
vm/overcommit_memory 1
vm/panic_on_oom 0
kernel/panic 10
kernel/panic_on_oops 1
kernel/keys/root_maxkeys 1000000
kernel/keys/root_maxbytes 25000000
S

ip link set lo up
echo 1 >/proc/sys/net/ipv4/ip_forward
# shellcheck source=prerequisites.sh
. "$(dirname "$0")/prerequisites.sh"
cgroup_roots | while read -r root; do
  mkdir -p "$root/mesh-$name"
  case $root in
  */cpuset) for f in cpuset.cpus cpuset.mems; do cat "$root/$f" >"$root/mesh-$name/$f"; done ;;
  /sys/fs/cgroup) # version 2
    for c in cpuset cpu io memory pids; do
      echo "+$c" >"$root/cgroup.subtree_control" && echo "+$c" >"$root/mesh-$name/cgroup.subtree_control"
    done 2>/dev/null || true
    ;;
  esac
done

cat >"$run/cni/10-mesh.conflist" <<C
{"cniVersion":"0.4.0","name":"mesh","plugins":[
 {"type":"bridge","bridge":"cni0","isGateway":true,"ipMasq":false,"hairpinMode":true,
  "ipam":{"type":"host-local","ranges":[[{"subnet":"10.244.0.0/16"}]],"routes":[{"dst":"0.0.0.0/0"}]}},
 {"type":"portmap","capabilities":{"portMappings":true}}]}
C
cat >"$run/containerd.toml" <<C
version = 2
root = "$run/containerd/root"
state = "/run/containerd/state"
[grpc]
  address = "/run/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/mesh/app:1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$run/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
C
echo "nameserver 10.96.0.10" >"$run/resolv.conf"
cat >"$run/kubelet.yaml" <<C
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: cgroupfs
cgroupRoot: /mesh-$name
containerRuntimeEndpoint: unix:///run/containerd.sock
failSwapOn: false
authentication: {x509: {clientCAFile: $pki/ca.crt}, anonymous: {enabled: false}, webhook: {enabled: true}}
authorization: {mode: Webhook}
clusterDNS: [10.96.0.10]
clusterDomain: cluster.local
resolvConf: $run/resolv.conf
tlsCertFile: $pki/kubelet.crt
tlsPrivateKeyFile: $pki/kubelet.key
volumePluginDir: $run/kubelet/plugins
evictionHard: {memory.available: 100Mi}
imageGCHighThresholdPercent: 100
localStorageCapacityIsolation: false
serializeImagePulls: false
maxPods: 300
kubeAPIQPS: 200
kubeAPIBurst: 400
C

start() { # name command...: a part of the node, with its log; the node stays up without it, and says so
  local what=$1
  shift
  { "$@" >"$log/$what.log" 2>&1 || true
    echo "$what ended" >>"$run/failed"; } &
}
start etcd etcd --data-dir "$run/etcd" --unsafe-no-fsync --listen-client-urls http://127.0.0.1:2379 \
  --advertise-client-urls http://127.0.0.1:2379 --listen-peer-urls http://127.0.0.1:2380
start apiserver kube-apiserver --etcd-servers=http://127.0.0.1:2379 --service-cluster-ip-range=10.96.0.0/16 \
  --secure-port=6443 --advertise-address="$address" --client-ca-file="$pki/ca.crt" \
  --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" \
  --kubelet-client-certificate="$pki/admin.crt" --kubelet-client-key="$pki/admin.key" --kubelet-certificate-authority="$pki/ca.crt" \
  --kubelet-preferred-address-types=InternalIP --service-account-issuer=https://kubernetes.default.svc.cluster.local \
  --service-account-key-file="$pki/sa.pub" --service-account-signing-key-file="$pki/sa.key" \
  --authorization-mode=Node,RBAC --allow-privileged=true
start containerd containerd -c "$run/containerd.toml"

until ip link show eth0 >/dev/null 2>&1; do sleep 0.02; done
ip link set eth0 up
ip addr add "$address/30" dev eth0
ip route add 10.96.0.0/16 dev eth0 src "$address" # service addresses: kube-proxy rewrites them. There is no default route
nft -f - <<N
table inet mesh {
  chain machine { type filter hook forward priority -10; iifname eth0 drop; oifname eth0 drop; }
}
N
until [ -f "$run/containerd/image" ] && cmp -s "$run/containerd/image" <(echo "$images"); do
  if ctr -a /run/containerd.sock version >/dev/null 2>&1; then
    ctr -a /run/containerd.sock -n k8s.io images import "$images" >"$log/import.log" 2>&1
    echo "$images" >"$run/containerd/image"
  fi
  sleep 0.1
done
until curl -sk --cert "$pki/admin.crt" --key "$pki/admin.key" https://127.0.0.1:6443/readyz 2>/dev/null | grep -qx ok; do sleep 0.1; done
start kcm kube-controller-manager --kubeconfig="$pki/kcm.kubeconfig" --service-account-private-key-file="$pki/sa.key" \
  --root-ca-file="$pki/ca.crt" --use-service-account-credentials --leader-elect=false --kube-api-qps=500 --kube-api-burst=1000
start scheduler kube-scheduler --kubeconfig="$pki/scheduler.kubeconfig" --leader-elect=false
start kube-proxy kube-proxy --kubeconfig="$pki/kube-proxy.kubeconfig" --proxy-mode=iptables --cluster-cidr=10.244.0.0/16 \
  --hostname-override=node --iptables-min-sync-period=100ms \
  --conntrack-max-per-core=0 --conntrack-tcp-timeout-established=0s --conntrack-tcp-timeout-close-wait=0s
start kubelet kubelet --kubeconfig="$pki/kubelet.kubeconfig" --config="$run/kubelet.yaml" --hostname-override=node \
  --node-ip="$address" --root-dir="$run/kubelet" --cert-dir="$run/kubelet/pki"
touch "$run/control-plane"
wait
