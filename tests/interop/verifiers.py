"""Other people's verifiers: whether they are here, and what they say of a bundle. None is told what is due."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final, Protocol

from cryptography.hazmat.primitives.serialization import Encoding

from gateway.bundle.container import Container
from tests.interop.artefacts import LOOKED_AT, Artefact
from tests.pki.build import build

HERE: Final = Path(__file__).parent
_JDK: Final = HERE.parent / "unit" / "seal" / "VerifyReceipt.java"
_JARS: Final = Path("/usr/share/java")
_SANTUARIO: Final = (
    "xmlsec.jar",
    "slf4j-api.jar",
    "slf4j-nop.jar",
    "commons-codec.jar",
    "woodstox-core.jar",
    "stax2-api.jar",
)
#: Before the key of what was altered.
ALTERED: Final = "altered-"
_INSTANT: Final = f"{LOOKED_AT:%Y-%m-%dT%H:%M:%SZ}"
_SECONDS: Final = 600


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What a verifier said."""

    accepted: bool
    #: Its own word, where it has more than yes and no.
    word: str = ""


#: By the artefact's key; what it does not look at is not in it.
Verdicts = Mapping[str, Told]


class Verifier(Protocol):
    """One of them."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    def missing(self) -> str:
        """Why it cannot be run here; "" when it can."""
        ...

    def version(self) -> str:
        """As it tells itself."""
        ...

    def verdicts(self, bundles: Mapping[str, Path], artefacts: Sequence[Artefact]) -> Verdicts:
        """Of these, each in the unpacked folder or, beside it, the file of its key."""
        ...


def asked(verifier: Verifier, folder: Path, artefacts: Sequence[Artefact]) -> tuple[Verdicts, Verdicts]:
    """Of the good ones and of the altered ones, in one run."""
    every = [*artefacts, *(replace(each, key=ALTERED + each.key, good=each.altered) for each in artefacts)]
    told = verifier.verdicts(unpack(folder, every), every)
    good = {key: each for key, each in told.items() if not key.startswith(ALTERED)}
    altered = {key.removeprefix(ALTERED): each for key, each in told.items() if key.startswith(ALTERED)}
    return good, altered


def unpack(folder: Path, artefacts: Sequence[Artefact]) -> dict[str, Path]:
    """Each bundle as a file and as a folder beside it."""
    found = {}
    for each in artefacts:
        root = folder / each.key
        root.mkdir(parents=True)
        root.with_suffix(".asice").write_bytes(each.good)
        container = Container.of(each.good)
        for entry in container.entries:
            path = root / entry
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(container.bytes_of(entry))
        found[each.key] = root
    return found


def run(command: Sequence[object], cwd: Path) -> subprocess.CompletedProcess[str]:
    """A command, its times in UTC."""
    environment = {"TZ": "UTC", "PATH": "/usr/bin:/bin", "HOME": str(Path.home())}
    return subprocess.run(
        list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True, timeout=_SECONDS,
        check=False,
    )  # fmt: skip


def pem(folder: Path, member: str) -> Path:
    """The certificate of a member of the test PKI, as a file."""
    path = folder / f"{member}.pem"
    path.write_bytes(build()[member].certificate.public_bytes(Encoding.PEM))
    return path


def _lacks(*tools: str) -> str:
    lacking = [tool for tool in tools if shutil.which(tool) is None]
    return f"not installed: {', '.join(lacking)}" if lacking else ""


class Xmlsec1:
    """The command of libxmlsec1."""

    name = "xmlsec1"

    def missing(self) -> str:
        """Whether it is installed."""
        return _lacks("xmlsec1")

    def version(self) -> str:
        """As in `1.2.37`."""
        return run(["xmlsec1", "--version"], HERE).stdout.split()[1]

    def verdicts(self, bundles: Mapping[str, Path], artefacts: Sequence[Artefact]) -> Verdicts:
        """Of the signatures in XML; it knows nothing of what is added to them."""
        found = {}
        for each in artefacts:
            if each.is_xml:
                root = bundles[each.key]
                anchor = pem(root.parent, "seal-root")
                done = run(
                    ["xmlsec1", "--verify", "--enabled-key-data", "x509", "--id-attr:Id",
                     "http://uri.etsi.org/01903/v1.3.2#:SignedProperties", "--trusted-pem", anchor,
                     "--verification-time", f"{LOOKED_AT:%Y-%m-%d %H:%M:%S}", each.entry],
                    root,
                )  # fmt: skip
                found[each.key] = Told(accepted=done.returncode == 0)
        return found


class _Java:
    """A program in one file of Java, which prints `FOLDER:FILE true` or `FOLDER:FILE false …`."""

    name: str
    program: Path
    jars: Sequence[Path] = ()

    def verdicts(self, bundles: Mapping[str, Path], artefacts: Sequence[Artefact]) -> Verdicts:
        """Of the signatures in XML, in one run."""
        named = {f"{bundles[each.key]}:{each.entry}": each.key for each in artefacts if each.is_xml}
        anchor = pem(next(iter(bundles.values())).parent, "seal-root")
        path = ["-cp", ":".join(map(str, self.jars))] if self.jars else []
        done = run(["java", *path, self.program, anchor, _INSTANT, *named], HERE)
        assert done.returncode == 0, done.stderr
        lines = [line.split(" ", 2) for line in done.stdout.splitlines()]
        return {named[line[0]]: Told(accepted=line[1] == "true") for line in lines if line[0] in named}


class Jdk(_Java):
    """javax.xml.crypto and PKIX of the JDK."""

    name = "JDK (javax.xml.crypto)"
    program = _JDK

    def missing(self) -> str:
        """Whether it is installed."""
        return _lacks("java", "javac")

    def version(self) -> str:
        """As in `17.0.15`."""
        told = run(["java", "-version"], HERE).stderr
        found = re.search(r'"([^"]+)"', told)
        return found[1] if found else ""


class Santuario(_Java):
    """Apache Santuario as Debian has it."""

    name = "Apache Santuario (libxml-security-java)"
    program = HERE / "VerifySantuario.java"
    jars = tuple(_JARS / each for each in _SANTUARIO)

    def missing(self) -> str:
        """Whether both are installed."""
        lacking = [each.name for each in self.jars if not each.exists()]
        return _lacks("java", "javac") or (f"not installed: {', '.join(lacking)}" if lacking else "")

    def version(self) -> str:
        """As in `2.1.7`."""
        return next((each.stem.removeprefix("xmlsec-") for each in _JARS.glob("xmlsec-*.jar")), "")


class OpensslTs:
    """`openssl ts`: time stamps over the digests that they must be over."""

    name = "openssl ts"

    def missing(self) -> str:
        """Whether it is installed."""
        return _lacks("openssl")

    def version(self) -> str:
        """As in `3.0.17`."""
        return run(["openssl", "version"], HERE).stdout.split()[1]

    def verdicts(self, bundles: Mapping[str, Path], artefacts: Sequence[Artefact]) -> Verdicts:
        """Of every time stamp, wherever it lies; that a digest is the right one is our word."""
        found = {}
        for each in artefacts:
            root = bundles[each.key]
            anchor, stamps = pem(root.parent, "tsa-root"), each.stamps(_container(root))
            codes = []
            for number, (token, digest) in enumerate(stamps):
                file = root.parent / f"{each.key}.{number}.token"
                file.write_bytes(token)
                done = run(
                    ["openssl", "ts", "-verify", "-token_in", "-in", file, "-digest", digest.hex(),
                     "-CAfile", anchor, "-attime", f"{LOOKED_AT.timestamp():.0f}"],
                    root,
                )  # fmt: skip
                codes.append(done.returncode)
            if codes:
                found[each.key] = Told(accepted=not any(codes))
        return found


class OpensslCms:
    """`openssl cms`: the signature of time stamps as CMS, whatever they are over."""

    name = "openssl cms"

    def missing(self) -> str:
        """Whether it is installed."""
        return _lacks("openssl")

    def version(self) -> str:
        """As in `3.0.17`."""
        return OpensslTs().version()

    def verdicts(self, bundles: Mapping[str, Path], artefacts: Sequence[Artefact]) -> Verdicts:
        """Of every time stamp; a stamp over something else is a good signature all the same."""
        found = {}
        for each in artefacts:
            root = bundles[each.key]
            codes = []
            for number, (token, _) in enumerate(each.stamps(_container(root))):
                file = root.parent / f"{each.key}.{number}.cms"
                file.write_bytes(token)
                codes.append(self.verify(file, root.parent))
            if codes:
                found[each.key] = Told(accepted=not any(codes))
        return found

    def verify(self, file: Path, folder: Path) -> int:
        """Its exit code about one token."""
        command = [
            "openssl", "cms", "-verify", "-inform", "DER", "-in", file, "-CAfile", pem(folder, "tsa-root"),
            "-purpose", "timestampsign", "-attime", f"{LOOKED_AT.timestamp():.0f}", "-out", "/dev/null",
        ]  # fmt: skip
        return run(command, folder).returncode


class Dss:
    """EU DSS, the reference validator of the European Commission, by Maven."""

    name = "EU DSS"

    def missing(self) -> str:
        """Whether Maven brings it."""
        lacks = _lacks("java", "javac", "mvn")
        if lacks:
            return lacks
        return "" if _classpath() else "Maven could not fetch it (no network?)"

    def version(self) -> str:
        """As in `6.3`."""
        found = re.search(r"dss-asic-xades</artifactId><version>([0-9.]+)<", (HERE / "pom.xml").read_text("utf-8"))
        return found[1] if found else ""

    def verdicts(self, bundles: Mapping[str, Path], artefacts: Sequence[Artefact]) -> Verdicts:
        """Of every object in the bundles, without a network."""
        lines = self.lines(bundles, [each.key for each in artefacts], _INSTANT)
        found = {}
        for each in artefacts:
            of = [line for line in lines if line[0] == str(bundles[each.key].with_suffix(".asice"))]
            about = [line for line in of if line[1] == each.entry]
            if each.key.endswith("b-t"):
                about += [line for line in of if line[1] == "SIGNATURE_TIMESTAMP"]
            if each.key.endswith("b-lta"):
                about += [line for line in of if line[1] == "ARCHIVE_TIMESTAMP"]
            if about:  # the stamp over the checkpoint lies where it does not look
                worst = next((line for line in about if not line[3].endswith("PASSED")), about[0])
                told = " ".join(each for each in (worst[3], worst[4].replace("null", "")) if each)
                form = f" ({about[0][2]})" if each.is_xml else ""
                found[each.key] = Told(accepted=worst[3].endswith("PASSED"), word=told + form)
        return found

    def lines(self, bundles: Mapping[str, Path], keys: Sequence[str], instant: str) -> list[list[str]]:
        """File, object, form, indication, sub-indication."""
        files = [bundles[key].with_suffix(".asice") for key in keys]
        folder = files[0].parent
        anchors = ",".join(str(pem(folder, member)) for member in ("seal-root", "tsa-root"))
        done = run(["java", "-cp", _classpath(), HERE / "VerifyDss.java", anchors, instant, *files], folder)
        assert done.returncode == 0, done.stderr[-2000:]
        return [line.split("\t") for line in done.stdout.splitlines()]


def _container(root: Path) -> Container:
    return Container.open(root.with_suffix(".asice"))


@cache
def _classpath() -> str:
    """Of EU DSS; "" where Maven cannot fetch it."""
    target = HERE.parents[1] / "build" / "interop"
    target.mkdir(parents=True, exist_ok=True)
    file = target / "classpath"
    file.unlink(missing_ok=True)
    for offline in (["-o"], []):
        command = [
            "mvn",
            "-q",
            *offline,
            "-f",
            HERE / "pom.xml",
            "dependency:build-classpath",
            f"-Dmdep.outputFile={file}",
        ]
        if run(command, target).returncode == 0 and file.exists():
            return file.read_text("utf-8").strip()
    return ""


VERIFIERS: Final[tuple[Verifier, ...]] = (Xmlsec1(), Jdk(), Santuario(), OpensslTs(), OpensslCms(), Dss())
