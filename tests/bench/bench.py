#!/usr/bin/env python3
"""What the plugin costs beside its yardsticks, both in one run: medians of whole processes.

bench.py --binary FILE [--istioctl FILE] [--hosts 100,1000,10000] [--runs 5] [--json FILE]
"""
import argparse
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

OBJECTS = """---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{name: h{at}, namespace: default}}
spec: {{hosts: [{host}], resolution: DNS, ports: [{{number: 443, name: tls, protocol: TLS}}]}}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: h{at}, namespace: default}}
spec:
  selector: {{istio: egressgateway}}
  servers: [{{hosts: [{host}], port: {{number: 443, name: tls, protocol: TLS}}, tls: {{mode: PASSTHROUGH}}}}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: h{at}, namespace: default}}
spec: {{host: istio-egressgateway.istio-system.svc.cluster.local, subsets: [{{name: h{at}}}]}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: h{at}, namespace: default}}
spec:
  hosts: [{host}]
  gateways: [mesh, h{at}]
  tls:
  - match: [{{gateways: [mesh], port: 443, sniHosts: [{host}]}}]
    route: [{{destination: {{host: istio-egressgateway.istio-system.svc.cluster.local, subset: h{at}, port: {{number: 443}}}}}}]
  - match: [{{gateways: [h{at}], port: 443, sniHosts: [{host}]}}]
    route: [{{destination: {{host: {host}, port: {{number: {port}}}}}}}]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {{name: h{at}, namespace: other}}
spec: {{}}
"""


def write(folder, hosts, port):
    path = os.path.join(folder, f"{hosts}-{port}.yaml")
    with open(path, "w", encoding="utf-8") as out:
        for at in range(hosts):
            out.write(OBJECTS.format(at=at, host=f"h{at}.example.com", port=port))
    return path


def once(command, accept):
    """Seconds of wall clock, seconds of processor, and the most memory in bytes."""
    begun = time.monotonic()
    with open(os.devnull, "w", encoding="utf-8") as nothing:
        process = subprocess.Popen(command, stdout=nothing, stderr=nothing)
        _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - begun
    code = os.waitstatus_to_exitcode(status)
    if code not in accept:
        sys.exit(f"{' '.join(command)}: exit code {code}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def median(command, runs, accept):
    all_runs = [once(command, accept) for _ in range(runs)]
    wall, cpu, memory = (statistics.median(column) for column in zip(*all_runs))
    return {"wall_s": wall, "cpu_s": cpu, "memory_bytes": memory}


def line(row):
    text = f"{row['work']:<52} {row['wall_s']:>9.3f} {row['cpu_s']:>9.3f} {row['memory_bytes'] / 1e6:>8.0f}"
    if "bound" in row:
        text += f"  {row['bound']}: {'held' if row['held'] else 'NOT HELD'}"
    print(text, flush=True)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--binary", required=True)
    arguments.add_argument("--istioctl", default=shutil.which("istioctl"))
    arguments.add_argument("--hosts", default="100,1000,10000")
    arguments.add_argument("--runs", type=int, default=5)
    arguments.add_argument("--json")
    args = arguments.parse_args()
    hosts = [int(count) for count in args.hosts.split(",")]
    rows = []

    def add(work, measured, bound=None, held=None):
        row = {"work": work, **measured}
        if bound:
            row.update(bound=bound, held=bool(held))
        rows.append(row)
        line(row)
        return row

    print(f"{'work':<52} {'wall s':>9} {'cpu s':>9} {'MB':>8}")
    start = median([args.binary, "version", "--client"], args.runs, range(256))
    add("start", start, "<= 3 ms", start["wall_s"] <= 0.003)
    size = os.path.getsize(args.binary)
    print(f"binary: {size / 1e6:.1f} MB")
    with tempfile.TemporaryDirectory() as folder:
        for name, port, code in (("healthy", 443, 0), ("all broken", 8443, 1)):
            series = []
            for count in hosts:
                path = write(folder, count, port)
                doctor = [args.binary, "doctor", "--offline", "-f", path, "-o", "json"]
                ours = median(doctor, args.runs, (code,))
                series.append((count, ours["cpu_s"]))
                if args.istioctl:
                    analyze = [args.istioctl, "analyze", "-A", "--use-kube=false", path]
                    theirs = median(analyze, args.runs, range(256))
                    add(f"istioctl analyze, {count} hosts, {name}", theirs)
                    quick = ours["wall_s"] <= theirs["wall_s"]
                    small = ours["memory_bytes"] <= theirs["memory_bytes"] / 4
                    add(f"doctor, {count} hosts, {name}", ours, "<= 1.0 x time, <= 1/4 memory", quick and small)
                else:
                    add(f"doctor, {count} hosts, {name}", ours)
                one = doctor + ["--host", "h7.example.com"]
                add(f"doctor --host beside {count} hosts, {name}", median(one, args.runs, (code,)))
            (few, low), (many, high) = series[0], series[-1]
            exponent = math.log(high / low) / math.log(many / few) if many > few else float("nan")
            print(f"exponent of doctor, {name}, {few} to {many} hosts: {exponent:.2f} (bound 1.1)")
            rows.append({"work": f"exponent, {name}", "value": exponent, "bound": "<= 1.1", "held": exponent <= 1.1})
    if args.json:
        with open(args.json, "w", encoding="utf-8") as out:
            json.dump({"binary_bytes": size, "rows": rows}, out, indent=2)


if __name__ == "__main__":
    main()
