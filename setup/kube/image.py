"""Writes image.tar, an OCI archive of one layer (layer.tar in the same directory): image.py NAME ENTRYPOINT DIRECTORY."""

import hashlib
import io
import json
import sys
import tarfile

name, entrypoint, directory = sys.argv[1:]
MEDIA = "application/vnd.oci.image"
blobs = {}


def put(data, media_type):
    """Keeps a blob, and gives its descriptor."""
    digest = hashlib.sha256(data).hexdigest()
    blobs[f"blobs/sha256/{digest}"] = data
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}


with open(f"{directory}/layer.tar", "rb") as file:
    layer = put(file.read(), f"{MEDIA}.layer.v1.tar")
settings = {
    "architecture": "amd64",
    "os": "linux",
    "config": {"Entrypoint": [entrypoint]},
    "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
}
config = put(json.dumps(settings).encode(), f"{MEDIA}.config.v1+json")
manifest_type = f"{MEDIA}.manifest.v1+json"
content = {"schemaVersion": 2, "mediaType": manifest_type, "config": config, "layers": [layer]}
manifest = put(json.dumps(content).encode(), manifest_type)
manifest["annotations"] = {"io.containerd.image.name": name}
blobs["index.json"] = json.dumps({"schemaVersion": 2, "manifests": [manifest]}).encode()
blobs["oci-layout"] = b'{"imageLayoutVersion": "1.0.0"}'
with tarfile.open(f"{directory}/image.tar", "w") as archive:
    for path, data in blobs.items():
        entry = tarfile.TarInfo(path)
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
