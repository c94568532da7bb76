#!/usr/bin/env python3
"""Lets the python-tuf client take a directory from a folder, as a foreign node would from a mirror.

usage: tuf_check.py FOLDER CACHE

FOLDER holds metadata/ and targets/. CACHE is the client's own memory; empty, it starts from FOLDER's first root.
Prints the root's fingerprint by securesystemslib's canonical JSON, the newest root's version and the SHA-256 of the
list that the client accepted. Exit 0: accepted; 1: refused (the reason is printed); 2: wrong usage.
"""

import hashlib
import json
import sys
from pathlib import Path

from securesystemslib.formats import encode_canonical
from tuf.api.exceptions import DownloadHTTPError, RepositoryError
from tuf.ngclient import Updater
from tuf.ngclient.fetcher import FetcherInterface

BASE = "http://mirror.invalid/"


class FolderFetcher(FetcherInterface):
    """Answers from a folder instead of the network; what is not there is HTTP 404."""

    def __init__(self, folder):
        self.folder = folder

    def _fetch(self, url):
        path = self.folder / url.removeprefix(BASE)
        try:
            return iter([path.read_bytes()])
        except FileNotFoundError:
            raise DownloadHTTPError(f"{url} is not there", 404) from None


def main(folder, cache):
    first = (folder / "metadata" / "1.root.json").read_bytes()
    signed = json.loads(first)["signed"]
    print("fingerprint", hashlib.sha256(encode_canonical(signed).encode()).hexdigest())
    cache.mkdir(parents=True, exist_ok=True)
    downloads = cache / "targets"
    downloads.mkdir(exist_ok=True)
    try:
        updater = Updater(
            metadata_dir=str(cache),
            metadata_base_url=BASE + "metadata/",
            target_dir=str(downloads),
            target_base_url=BASE + "targets/",
            fetcher=FolderFetcher(folder),
            bootstrap=None if (cache / "root.json").exists() else first,
        )
        updater.refresh()
        info = updater.get_targetinfo("directory.json")
        if info is None:
            print("refused: no target directory.json")
            return 1
        listing = Path(updater.download_target(info)).read_bytes()
    except (RepositoryError, ValueError) as error:
        print(f"refused: {type(error).__name__}: {error}")
        return 1
    newest = json.loads((cache / "root.json").read_bytes())["signed"]["version"]
    print("root", newest)
    print("list", hashlib.sha256(listing).hexdigest())
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
