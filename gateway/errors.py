"""Every exception of the gateway, one file, importing nothing of ours.

The class docstring is the default message; facts travel as attributes. An error that may be shown to a
peer carries the *code* of a reason in `gateway.reasons`, which holds the sentences (Vietnamese, English)
and the next step; the text of the exception itself is for logs and operators and holds no secret.
"""

from __future__ import annotations


class GatewayError(Exception):
    """The gateway failed."""

    def __init__(self, message: str | None = None, **facts: object) -> None:
        self.facts = facts
        super().__init__(message or (type(self).__doc__ or "").strip())


class ConfigError(GatewayError):
    """The configuration is wrong."""


class InputError(ConfigError):
    """What a command was given cannot be used."""


class EnvironmentRefusedError(GatewayError):
    """The machine lacks something the gateway cannot run without."""


class RefusedError(GatewayError):
    """A request is refused for a reason of the closed list.

    `code` is a key of `gateway.reasons.REASONS`; `detail` is one sentence about this very case (it may be
    shown to the caller); `findings` are the validator's, if there are any; `retry_after` is in seconds.
    """

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        findings: tuple[object, ...] = (),
        retry_after: int | None = None,
        **facts: object,
    ) -> None:
        self.code = code
        self.detail = detail
        self.findings = findings
        self.retry_after = retry_after
        super().__init__(f"{code}: {detail}" if detail else code, **facts)


class StorageError(GatewayError):
    """The database or a body could not be read or written."""


class StorageBusyError(StorageError):
    """The write queue is full."""


class StorageClosedError(StorageError):
    """The database is closed."""


class LedgerDamagedError(StorageError):
    """A page of the database is damaged, or its disk cannot read it."""


class SchemaVersionError(StorageError):
    """The data folder was written by a newer program."""


class BodyDamagedError(StorageError):
    """A stored body does not match its digest."""


class TransitionError(GatewayError):
    """The state machine has no such transition."""


class SealError(GatewayError):
    """A seal could not be made or read."""


class SignerUnavailableError(SealError):
    """The key is there but gives no signature now; `code` as of `TokenError`, or `key_silent`."""

    def __init__(self, code: str, message: str, **facts: object) -> None:
        self.code = code
        super().__init__(message, **facts)


class KeyFileError(GatewayError):
    """A key file is missing, unreadable or readable by others."""


class SecretKeyError(KeyFileError):
    """The key that shared secrets and people's second factors are sealed under is gone, unreadable or another."""


class TokenError(KeyFileError):
    """A key on a token, or in an encrypted file, cannot be used now.

    `code` is a key of `gateway.diagnosis.check_kinds.KINDS`; the message says what to do about it.
    """

    def __init__(self, code: str, message: str, **facts: object) -> None:
        self.code = code
        super().__init__(message, code=code, **facts)


class RenewalError(GatewayError):
    """A CA gave no certificate that can be used."""


class TrustStoreError(GatewayError):
    """A folder of trust anchors is missing, empty, damaged or writable by others."""


class EnvelopedError(GatewayError):
    """A file that is encrypted for certificates cannot be read, made or opened."""


class StampError(GatewayError):
    """A time-stamping server gave nothing that can be used."""


class RevocationError(GatewayError):
    """This is no answer about revocation."""


class ProofError(GatewayError):
    """A proof, checkpoint or note of a transparency log does not hold."""


class WitnessRefusalError(GatewayError):
    """A witness refuses. `status` is that of C2SP tlog-witness; the text of a 409 is a size."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message, status=status)
        self.status = status


class WitnessRecordError(GatewayError):
    """What a witness cosigned last is not known for certain, so it cosigns nothing."""


class CosignatureError(GatewayError):
    """A witness gave nothing that can be used."""


class WitnessContradictsError(CosignatureError):
    """A witness has seen another history of the log.

    `code`: ahead (it knows more leaves than were signed here), other_history (what it knows is not continued);
    `known` are the leaves that it knows, `size` those of the checkpoint that it was asked about.
    """

    def __init__(self, code: str, known: int, size: int) -> None:
        self.code, self.known, self.size = code, known, size
        super().__init__(f"{code}: it knows {known} leaves, and was asked about {size}")


class BundleError(GatewayError):
    """A bundle of evidence cannot be read or made. `code` says why; stable."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message, code=code)
        self.code = code


class ReceiverProofError(GatewayError):
    """What a receiver signed does not hold. `code` says why; stable."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message, code=code)
        self.code = code


class EntryRaceError(GatewayError):
    """The next number of a register, or its open day, is not what was read."""


class LogRaceError(GatewayError):
    """The tree of the log, or the days that were closed, are not what was read."""


class LogRefusedError(GatewayError):
    """Nothing is signed for the log at present.

    `code` says why: no_key, key_failed, behind, other_history, other_key, mark_missing, mark_unreadable,
    mark_unwritable; `detail` is one sentence for operators.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        self.code = code
        self.detail = detail
        super().__init__(f"{code}: {detail}" if detail else code)


class EnrolmentError(GatewayError):
    """The enrolment CA's process could not be started or did not answer."""


class PoolError(GatewayError):
    """The process that parsed foreign bytes died or ran out of time or memory."""


class UnreachableError(GatewayError):
    """The gateway could not be reached, or its answer broke off."""


class SourceError(GatewayError):
    """A peer's list or document could not be had; nothing may be concluded from it.

    `code` is a key of `gateway.reasons.REASONS`; `detail` is one sentence for operators without a secret.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        self.code = code
        self.detail = detail
        super().__init__(f"{code}: {detail}" if detail else code)


class ProblemError(GatewayError):
    """The gateway answered a client's request with a problem.

    `texts` are the sentences by language, `next_steps` what to do; `retry_after` is in seconds.
    """

    def __init__(
        self,
        *,
        status: int,
        code: str,
        detail: str = "",
        texts: dict[str, str] | None = None,
        next_steps: dict[str, str] | None = None,
        trace_id: str = "",
        retry_after: float | None = None,
        findings: tuple[object, ...] = (),
    ) -> None:
        self.status = status
        self.code = code
        self.detail = detail
        self.texts = texts or {}
        self.next_steps = next_steps or {}
        self.trace_id = trace_id
        self.retry_after = retry_after
        self.findings = findings
        super().__init__(f"{status} {code}: {detail}" if detail else f"{status} {code}")
