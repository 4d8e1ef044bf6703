# shellcheck shell=bash disable=SC2034,SC2154 # names are shared with the files sourced beside it
# What runs in the cluster: CoreDNS, Istio, a client. Sourced.

coredns() { # the manifests, with the internet's names
  cat "$here/manifests/coredns.yaml"
  printf -- '---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: coredns, namespace: kube-system}\ndata:\n  Corefile: |\n'
  sed 's/^/    /' "$here/manifests/Corefile"
  printf '  internet.zone: |\n    @ 5 IN SOA ns.invalid. nobody.invalid. 1 60 60 60 5\n    @ 5 IN NS ns.invalid.\n'
  sed '/^#/d; s/^\(.*\)=\([^ ]*\).*/    \1. 5 IN A \2/' "$run/hosts"
}
apply() { kubectl apply -f - >>"$log/apply.log" 2>&1; }
install_istio() { # option...: istioctl's own install, with the options' overlays
  local overlay=() option
  for option; do
    case $option in --*) overlay+=(-f "$here/manifests/${option#--}.yaml") ;; *) overlay+=(-f "$option") ;; esac
  done
  if [ -e "$run/operator" ]; then
    operator_installs "$here/manifests/istio.yaml" "${overlay[@]}" >"$log/istioctl.log" 2>&1
  else
    istioctl install -y --readiness-timeout 90s -f "$here/manifests/istio.yaml" "${overlay[@]}" --set tag="$istio_tag" >"$log/istioctl.log" 2>&1
  fi
}
operator_installs() { # file [-f file]...: the operator in the cluster, and one IstioOperator of all these files for it
  local object=$1 next
  shift
  istioctl operator init --hub localhost/mesh --tag "$istio_tag"
  while [ $# -gt 0 ]; do
    next=$(kubectl patch --local -f "$object" --type merge --patch-file "$2" -o yaml)
    object=$run/istio-operator.yaml
    echo "$next" >"$object"
    shift 2
  done
  kubectl patch --local -f "$object" --type merge -o yaml \
    -p "{\"metadata\": {\"name\": \"mesh\", \"namespace\": \"istio-system\"}, \"spec\": {\"tag\": \"$istio_tag\"}}" >"$run/istio-operator.next.yaml"
  kubectl apply -f "$run/istio-operator.next.yaml"
}
injecting() { # does a pod made now get a sidecar?
  kubectl create --dry-run=server -o name --validate=false -o yaml -f - 2>/dev/null <<<'{apiVersion: v1, kind: Pod, metadata: {name: injected}, spec: {containers: [{name: a, image: a}]}}' | grep -q istio-proxy
}
poll() { # seconds what command...: until the command succeeds
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    [ $SECONDS -lt $end ] || die 1 "timed out waiting for $what (logs: $log)."
    [ ! -s "$run/failed" ] || die 1 "$(head -1 "$run/failed") (logs: $log)."
    alive node || die 1 "the node ended (log: $log/node.log)."
    sleep 0.1
  done
}
