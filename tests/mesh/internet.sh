#!/bin/bash
# First process of the namespaces that stand for the world outside a mesh: 203.0.113.0/24, real nginx hosts.
# Each NAME=ADDRESS in RUN/hosts answers http (301 to https) and https (HTTP/2 200, a body that names the host) at that
# address (*.NAME is every name below it); each NAME:PORT in RUN/banners speaks first, as databases do.
# RUN/internet/access.log has every client's address.
# usage: internet.sh RUN
set -euo pipefail
run=$1 world=$1/internet
mount --make-rprivate /
mkdir -p "$world/tmp"
cd "$world"
ip link set lo up
until ip link show eth0 >/dev/null 2>&1; do sleep 0.02; done
ip link set eth0 up
ip addr add 203.0.113.2/24 dev eth0
ip route add 10.244.0.0/16 via 203.0.113.1
declare -A address
while IFS='= ' read -r name addr _; do
  address[$name]=$addr
  ip addr add "$addr/24" dev eth0
done < <(grep -v '^#' "$run/hosts")
{
  cat <<C
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
worker_processes 1; daemon off; pid $world/nginx.pid; error_log $world/error.log; user root;
events { worker_connections 4096; }
http {
  log_format client '\$remote_addr \$scheme \$host "\$request" \$status [\$time_iso8601]';
  access_log $world/access.log client;
  client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
  default_type text/plain;
C
  for name in "${!address[@]}"; do
    addr=${address[$name]}
    cat <<C
  server { listen $addr:80; server_name $name; location / { return 301 https://\$host\$request_uri; } }
  server { listen $addr:443 ssl http2; server_name $name; ssl_certificate $name.crt; ssl_certificate_key $name.key; location / { return 200 "\$host\n"; } }
C
  done
  cat <<C
}
stream {
  log_format client '\$remote_addr tcp \$banner_host:\$server_port "-" \$status [\$time_iso8601]';
  access_log $world/access.log client;
  map \$server_addr \$banner_host { default -;
C
  for name in "${!address[@]}"; do echo "    ${address[$name]} $name;"; done
  echo "  }"
  while IFS=: read -r name port; do
    printf '  server { listen %s:%s; return "%s ready\\n"; }\n' "${address[$name]}" "$port" "$name"
  done < <(grep -v '^#' "$run/banners")
  echo "}"
} >nginx.conf
exec nginx -p "$world" -c "$world/nginx.conf" -e "$world/error.log"
