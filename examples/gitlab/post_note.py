"""Keeps one note of the gate on a merge request: `python post_note.py fiscus.md`. Standard library only.

Reads CI_API_V4_URL, CI_PROJECT_ID, CI_MERGE_REQUEST_IID and FISCUS_GITLAB_TOKEN. A note that cannot be written fails nothing but
itself: the verdict is the exit code of the gate.
"""

import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

MARKER = "<!-- fiscus gate terraform -->"
SECONDS_MAX = 20


def call(method: str, url: str, body: object = None) -> object:
    """One request to GitLab's API."""
    if not url.startswith(("https://", "http://")):
        raise ValueError(f"{url} is no address of GitLab")
    data = None if body is None else json.dumps(body).encode()
    headers = {"PRIVATE-TOKEN": os.environ["FISCUS_GITLAB_TOKEN"], "Content-Type": "application/json"}
    request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 the scheme is checked above
    with urllib.request.urlopen(request, timeout=SECONDS_MAX) as answer:  # noqa: S310 the scheme is checked above
        return json.load(answer)


def post(text: str) -> str:
    """Replace our note, or write the first one; what was done."""
    api, project, number = (os.environ[name] for name in ("CI_API_V4_URL", "CI_PROJECT_ID", "CI_MERGE_REQUEST_IID"))
    notes = f"{api}/projects/{project}/merge_requests/{number}/notes"
    page = 1
    while found := call("GET", f"{notes}?per_page=100&page={page}"):
        for note in found:
            if note["body"].startswith(MARKER):
                call("PUT", f"{notes}/{note['id']}", {"body": text})
                return "replaced"
        page += 1
    call("POST", notes, {"body": text})
    return "written"


if __name__ == "__main__":
    try:
        print(f"note {post(Path(sys.argv[1]).read_text(encoding='utf-8'))}")
    except (urllib.error.URLError, KeyError, OSError) as failed:
        print(f"the note could not be written: {failed}", file=sys.stderr)
