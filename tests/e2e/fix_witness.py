"""The witness: whatever the tests of this folder start, print or leave, no secret is in it.

It stands behind every test here without being asked: processes are started through it, so that it
sees their arguments and what they say; Python processes tell it whom they start in turn; and the
folder of every rig is read through when the rig goes. A new command is watched as soon as a test
runs it.
"""

import base64
import os
import shlex
import subprocess
from pathlib import Path
from urllib.parse import quote, quote_plus

#: Loaded by every Python process that inherits our PYTHONPATH: reports each process it starts.
_HOOK = """
import os, sys
_log = os.environ.get("WITNESS_LOG")
def _hook(event, args):
    if _log and event in ("subprocess.Popen", "os.posix_spawn", "os.exec"):
        argv = args[1] if isinstance(args[1], (list, tuple)) else [args[1]]
        line = " ".join(os.fsdecode(each) for each in argv).replace("\\n", " ") + "\\n"
        fd = os.open(_log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(fd, line.encode("utf-8", "replace"))
        os.close(fd)
sys.addaudithook(_hook)
"""
#: Where a secret may stand: the user's own file, and Meltano's copy of it while a plugin runs.
_ALLOWED = {".env"}


class Witness:
    """What was seen since the last look, and the secrets that must not be in it."""

    def __init__(self, folder):
        self._folder = folder
        self._forms = {}
        self._seen = []
        self.log = folder / "started"
        (folder / "sitecustomize.py").write_text(_HOOK, encoding="utf-8")

    def plant(self, *secrets, user="x"):
        """Look for these from now on, in every form in which they travel."""
        for secret in filter(None, secrets):
            encoded = base64.b64encode(f"{user}:{secret}".encode())
            forms = (secret, quote(secret, safe=""), quote_plus(secret), repr(secret)[1:-1])
            for form in (*(each.encode() for each in forms), encoded):
                self._forms[form] = secret

    def saw(self, where, data):
        """Remember something that was printed, started or left."""
        if data:
            self._seen.append((where, data if isinstance(data, bytes) else str(data).encode()))

    def environ(self, given):
        """The environment with what makes Python processes report."""
        known = dict(os.environ if given is None else given)
        paths = [str(self._folder), *filter(None, [known.get("PYTHONPATH")])]
        return {**known, "PYTHONPATH": os.pathsep.join(paths), "WITNESS_LOG": str(self.log)}

    def read(self, root):
        """See every file below a folder that is no link and may not hold secrets."""
        for path in Path(root).rglob("*"):
            if path.is_file() and not path.is_symlink() and path.name not in _ALLOWED:
                self.saw(f"file {path.relative_to(root)}", path.read_bytes())

    def found(self):
        """Return where a secret was seen since the last look, and forget what was seen."""
        if self.log.exists():
            self.saw("arguments of a process", self.log.read_bytes())
        seen, self._seen = self._seen, []
        found = {
            data[max(0, at - 40) : at] + b"<secret> in " + where.encode()
            for where, data in seen
            for form in self._forms
            if (at := data.find(form)) >= 0
        }
        return sorted({self._masked(each) for each in found})

    def _masked(self, text):
        """What stands around a secret may hold another one."""
        for form in sorted(self._forms, key=len, reverse=True):
            text = text.replace(form, b"<secret>")
        return text.decode("utf-8", "backslashreplace")

    def started(self):
        """The command lines that Python processes reported."""
        return self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []


def watched(witness):
    """A subprocess.Popen whose arguments and output the witness sees."""

    class Popen(subprocess.Popen):
        def __init__(self, args, *rest, env=None, **options):
            text = args if isinstance(args, str | bytes) else shlex.join(map(os.fsdecode, args))
            witness.saw("arguments of a process", text)
            super().__init__(args, *rest, env=witness.environ(env), **options)

        def communicate(self, *args, **options):
            said = super().communicate(*args, **options)
            for name, data in zip(("stdout", "stderr"), said, strict=True):
                witness.saw(f"{name} of {self.args}", data)
            return said

    return Popen
