# shellcheck shell=bash disable=SC2034,SC2154 # names are shared with the files sourced beside it
# The cluster's certificates and kubeconfigs (in $pki) and the internet's certificates (in $run/internet). Sourced.

new_key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }
issue() { # ca-crt ca-key name subject subjectAltName: NAME.key and NAME.crt in this folder
  new_key "$3.key"
  openssl req -new -key "$3.key" -subj "$4" |
    openssl x509 -req -CA "$1" -CAkey "$2" -set_serial "0x$(openssl rand -hex 12)" -days 3650 -out "$3.crt" \
      -extfile <(printf 'extendedKeyUsage=serverAuth,clientAuth\nsubjectAltName=%s\n' "$5")
}
kubeconfig() { # name: self-contained, so that the file can be copied
  local ca crt key
  ca=$(base64 -w0 <ca.crt) crt=$(base64 -w0 <"$1.crt") key=$(base64 -w0 <"$1.key")
  cat <<K
apiVersion: v1
kind: Config
clusters: [{name: mesh-$name, cluster: {server: "https://$node_ip:6443", certificate-authority-data: $ca}}]
users: [{name: $1, user: {client-certificate-data: $crt, client-key-data: $key}}]
contexts: [{name: mesh-$name, context: {cluster: mesh-$name, user: $1}}]
current-context: mesh-$name
K
}
make_cluster_pki() (
  [ -f "$pki/whole" ] && return
  rm -rf "$pki"
  mkdir -p "$pki"
  cd "$pki" || exit 1
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.crt -subj "/CN=mesh-$name" -days 3650
  while read -r who subject names; do
    issue ca.crt ca.key "$who" "$subject" "$names"
    kubeconfig "$who" >"$who.kubeconfig"
  done <<L
apiserver /CN=kube-apiserver IP:127.0.0.1,IP:10.96.0.1,IP:$node_ip,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc
admin /O=system:masters/CN=admin DNS:admin
kubelet /O=system:nodes/CN=system:node:node IP:127.0.0.1,IP:$node_ip,DNS:node
kcm /CN=system:kube-controller-manager DNS:kcm
scheduler /CN=system:kube-scheduler DNS:scheduler
kube-proxy /CN=system:kube-proxy DNS:kube-proxy
L
  new_key sa.key
  openssl pkey -in sa.key -pubout -out sa.pub
  touch whole
)
make_internet_pki() ( # of the authority that the image trusts, as it would a public one
  mkdir -p "$run/internet"
  cd "$run/internet" || exit 1
  if ! cmp -s ca.crt "$part_authority/ca.crt"; then
    rm -f ./*.crt ./*.key
    cp "$part_authority/ca.crt" ca.crt
  fi
  while IFS='= ' read -r host _; do
    [ -f "$host.crt" ] || issue ca.crt "$part_authority/ca.key" "$host" "/CN=$host" "DNS:$host"
  done < <(grep -v '^#' "$run/hosts")
)
