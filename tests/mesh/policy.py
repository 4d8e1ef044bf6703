#!/usr/bin/env python3
"""What stands between pods, and between pods and the internet: the node's packet filter, kept up to date.

usage: policy.py RUN          inside the node's namespaces; RUN/policy holds the mode, RUN/policy.applied the one in force

none      nothing is filtered; a NetworkPolicy is accepted and has no effect, as with a network plugin that has no policies
enforce   NetworkPolicies hold: pod, namespace and address peers, ports (named ones and ranges too), both directions
firewall  only egress gateways (the labels in GATEWAYS) reach the internet, as with a firewall that knows their addresses

Written for a mesh of one node with IPv4 pods on a bridge; filtered packets are dropped, established connections stay.
Over IPv6 pods have only link-local addresses, which no policy can name: as soon as one pod is isolated, nothing goes over it.
"""
import http.client
import ipaddress
import json
import os
import ssl
import subprocess
import sys
import threading
import time

RUN = sys.argv[1]
GATEWAYS = [("istio", "egressgateway"), ("gateway.networking.k8s.io/gateway-name", None)]
KINDS = {"pods": "/api/v1/pods", "namespaces": "/api/v1/namespaces", "policies": "/apis/networking.k8s.io/v1/networkpolicies"}
state = {kind: {} for kind in KINDS}
listed, changed, lock = set(), threading.Event(), threading.Lock()


def get(path):
    context = ssl.create_default_context(cafile=RUN + "/pki/ca.crt")
    context.load_cert_chain(RUN + "/pki/admin.crt", RUN + "/pki/admin.key")
    connection = http.client.HTTPSConnection("127.0.0.1", 6443, context=context)
    connection.request("GET", path)
    answer = connection.getresponse()
    if answer.status != 200:
        raise OSError("%s: %d" % (path, answer.status))
    return answer


def follow(kind):
    while True:
        try:
            everything = json.load(get(KINDS[kind]))
            with lock:
                state[kind] = {item["metadata"]["uid"]: item for item in everything["items"]}
                listed.add(kind)
            changed.set()
            for line in get(KINDS[kind] + "?watch=1&resourceVersion=" + everything["metadata"]["resourceVersion"]):
                event = json.loads(line)
                if event["type"] == "ERROR":
                    break
                item = event["object"]
                with lock:
                    if event["type"] == "DELETED":
                        state[kind].pop(item["metadata"]["uid"], None)
                    else:
                        state[kind][item["metadata"]["uid"]] = item
                changed.set()
        except (OSError, ValueError, http.client.HTTPException) as error:
            print(kind, error, flush=True)
            time.sleep(0.5)


def labels_of(item):
    return item["metadata"].get("labels") or {}


def selects(selector, labels):
    if any(labels.get(k) != v for k, v in (selector.get("matchLabels") or {}).items()):
        return False
    for e in selector.get("matchExpressions") or []:
        key, operator, values = e["key"], e["operator"], e.get("values") or []
        held = {"In": labels.get(key) in values, "NotIn": labels.get(key) not in values,
                "Exists": key in labels, "DoesNotExist": key not in labels}[operator]
        if not held:
            return False
    return True


def live_pods():
    for pod in state["pods"].values():
        address = pod.get("status", {}).get("podIP")
        if address and not pod["spec"].get("hostNetwork") and pod["status"].get("phase") not in ("Succeeded", "Failed"):
            yield pod


def address_of(pod):
    return pod["status"]["podIP"]


def peer_pods(peer, namespace):
    spaces = {n["metadata"]["name"]: labels_of(n) for n in state["namespaces"].values()}
    for pod in live_pods():
        where = pod["metadata"]["namespace"]
        if "namespaceSelector" in peer:
            if where not in spaces or not selects(peer["namespaceSelector"], spaces[where]):
                continue
        elif where != namespace:
            continue
        if selects(peer.get("podSelector") or {}, labels_of(pod)):
            yield pod


def named(port, pod):
    for container in pod["spec"].get("containers", []) + (pod["spec"].get("initContainers") or []):
        for p in container.get("ports") or []:
            if p.get("name") == port["port"] and p.get("protocol", "TCP") == port.get("protocol", "TCP"):
                return p["containerPort"]
    return None


def port_match(port, server):
    """nft text for one entry of `ports`, or None where it matches nothing; `server` is the pod that listens, if it is one."""
    protocol, number = port.get("protocol", "TCP").lower(), port.get("port")
    if number is None:
        return "meta l4proto " + protocol
    if isinstance(number, str):
        number = named(port, server) if server else None
        if number is None:
            return None
    end = port.get("endPort")
    return "%s dport %s" % (protocol, "%d-%d" % (number, end) if end else number)


def allowances(policy, pod, direction):
    """nft matches that one policy allows for one of its pods."""
    far, word = ("daddr", "to") if direction == "egress" else ("saddr", "from")
    for rule in policy["spec"].get(direction) or []:
        ports, places = rule.get("ports") or [], []
        for peer in rule.get(word) or []:
            if "ipBlock" in peer:
                ipaddress.ip_network(peer["ipBlock"]["cidr"], strict=False)
                text = "ip %s %s" % (far, peer["ipBlock"]["cidr"])
                if peer["ipBlock"].get("except"):
                    text += " ip %s != { %s }" % (far, ", ".join(peer["ipBlock"]["except"]))
                places.append((text, None))
            else:
                places += [("ip %s %s" % (far, address_of(p)), p) for p in peer_pods(peer, policy["metadata"]["namespace"])]
        if not rule.get(word):
            places = [("", None)]
            if any(isinstance(p.get("port"), str) for p in ports) and direction == "egress":
                places += [("ip daddr " + address_of(p), p) for p in live_pods()]
        for text, far_pod in places:
            if not ports:
                yield text
            for port in ports:
                match = port_match(port, far_pod if direction == "egress" else pod)
                if match:
                    yield (text + " " + match).strip()


def enforcement():
    chains, jumps = [], {"egress": [], "ingress": []}
    for pod in live_pods():
        for direction, side in (("egress", "saddr"), ("ingress", "daddr")):
            matches, isolated = [], False
            for policy in state["policies"].values():
                spec = policy["spec"]
                types = [t.lower() for t in spec.get("policyTypes") or ["Ingress"] + (["Egress"] if spec.get("egress") else [])]
                if policy["metadata"]["namespace"] != pod["metadata"]["namespace"] or direction not in types:
                    continue
                if selects(spec.get("podSelector") or {}, labels_of(pod)):
                    isolated = True
                    matches += allowances(policy, pod, direction)
            if isolated:
                name = "%s_%s" % (direction, address_of(pod).replace(".", "_"))
                lines = ["    %s return" % m for m in sorted(set(matches))] + ["    counter drop"]
                chains.append("  chain %s {\n%s\n  }" % (name, "\n".join(lines)))
                jumps[direction].append("    ip %s %s jump %s" % (side, address_of(pod), name))
    keep = "    ct state established,related accept"
    forward = ["    type filter hook forward priority -5;", keep] + jumps["egress"] + jumps["ingress"]
    entering = ["    type filter hook input priority -5;", keep] + jumps["egress"]  # from pods to the node itself: the apiserver
    if any(jumps.values()):
        # The bridge hands these on by itself; to the node they come as any other packet.
        entering.append("    iifname cni0 meta nfproto ipv6 meta l4proto { tcp, udp } counter drop")
    return chains + ["  chain forward {\n%s\n  }" % "\n".join(forward), "  chain input {\n%s\n  }" % "\n".join(entering)]


def link_local():
    """What the bridge itself drops: IPv6 between pods, which the other table does not see."""
    return "table bridge guard {\n  chain forward {\n    type filter hook forward priority 0;\n" \
        "    ether type ip6 meta l4proto { tcp, udp } counter drop\n  }\n}\n"


def is_gateway(pod):
    return any(key in labels_of(pod) and value in (None, labels_of(pod)[key]) for key, value in GATEWAYS)


def firewall():
    allowed = [address_of(p) for p in live_pods() if is_gateway(p)]
    rules = ["    type filter hook forward priority -5;"]
    if allowed:
        rules.append("    oifname inet0 ip saddr { %s } accept" % ", ".join(sorted(allowed)))
    return ["  chain forward {\n%s\n    oifname inet0 counter drop\n  }" % "\n".join(rules)]


def main():
    for kind in KINDS:
        threading.Thread(target=follow, args=(kind,), daemon=True).start()
    in_force = refused = None
    while True:
        changed.wait(0.3)
        with open(RUN + "/policy") as f:
            mode = f.read().strip()
        if len(listed) < len(KINDS) or (mode == in_force and not changed.is_set()):
            continue
        changed.clear()
        with lock:
            body = {"none": list, "enforce": enforcement, "firewall": firewall}[mode]()
        text = "table inet guard\ndelete table inet guard\ntable bridge guard\ndelete table bridge guard\n"
        if mode != "none":
            text += "table inet guard {\n%s\n}\n" % "\n".join(body)
        if mode == "enforce" and any(" jump " in line for line in body):
            text += link_local()
        done = subprocess.run(["nft", "-f", "-"], input=text, text=True, capture_output=True)
        if done.returncode:
            if text != refused:
                print(done.stderr, text, flush=True)
            refused = text
            time.sleep(0.5)
            continue
        in_force = mode
        with open(RUN + "/policy.applied.new", "w") as f:
            f.write(mode + "\n")
        os.rename(RUN + "/policy.applied.new", RUN + "/policy.applied")


main()
