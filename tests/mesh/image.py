#!/usr/bin/env python3
"""Make one docker-archive tar holding several images of the same layers.

usage: image.py OUT LAYER.tar... -- TAG=[ENTRYPOINT[,USER]]...
"""
import hashlib
import io
import json
import sys
import tarfile

out, rest = sys.argv[1], sys.argv[2:]
layers, specs = rest[: rest.index("--")], rest[rest.index("--") + 1 :]


def digest_of(path):
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else hashlib.sha256(f.read()).hexdigest()


digests = [digest_of(layer) for layer in layers]
manifest, configs = [], []
for spec in specs:
    tag, _, entry = spec.partition("=")
    entry, _, user = entry.partition(",")
    config = {"Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]}
    if entry:
        config["Entrypoint"] = [entry]
    else:
        config["Cmd"] = ["/bin/sleep", "infinity"]
    if user:
        config["User"] = user
    data = json.dumps({
        "architecture": "amd64", "os": "linux", "config": config,
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + d for d in digests]},
        "history": [{"created_by": tag} for _ in digests],
    }).encode()
    name = hashlib.sha256(data).hexdigest() + ".json"
    configs.append((name, data))
    manifest.append({"Config": name, "RepoTags": [tag], "Layers": [d + "/layer.tar" for d in digests]})
with tarfile.open(out, "w") as tar:
    for name, data in configs + [("manifest.json", json.dumps(manifest).encode())]:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
    for layer, digest in zip(layers, digests):
        tar.add(layer, digest + "/layer.tar")
