// The institution's signature over the checkpoint, where there is one (gateway/verifying/institution.py): detached CMS of
// the one shape that the gateway writes; counts only where it is proved wrong.
const DATA = "1.2.840.113549.1.7.1", SIGNING_TIME = "1.2.840.113549.1.9.5", MOST_CMS_BYTES = 64 * 1024;
const COUNTER_METHODS = { RSA: RSA, EC: "1.2.840.10045.4.3.2" };

function readInstitution(raw) {
  if (raw.length > MOST_CMS_BYTES) throw new Unreadable(`${raw.length} bytes are too many`);
  const [kind, content] = Der.whole(raw).is(0x30).children;
  if (kind.oid !== SIGNED_DATA) throw new Unreadable("it is no SignedData");
  const signed = new Parts(content.is(0xa0).children[0]), version = signed.next().integer;
  const hashes = signed.next().is(0x31).children.map((each) => each.is(0x30).children[0].oid);
  const held = signed.next().is(0x30).children, certificates = signed.next().is(0xa0).children;
  const signers = signed.next().is(0x31).children;
  signed.end();
  const isOfShape = version === 1n && hashes.length === 1 && HASHES[hashes[0]] === "SHA-256" && held.length === 1 &&
    held[0].oid === DATA && certificates.length >= 1 && certificates.length <= 8 && signers.length === 1;
  if (!isOfShape) throw new Unreadable("it is not written as such signatures are");
  const [signer] = signers, attributes = signer.is(0x30).children[3].is(0xa0).children;
  if (signer.children.length !== 6 || signer.children[0].integer !== 1n) throw new Unreadable("the signer is not of the one shape");
  const times = attributes.filter((each) => each.children[0].oid === SIGNING_TIME).flatMap((each) => each.children[1].is(0x31).children);
  if (attributes.length !== 4 || times.length !== 1) throw new Unreadable("the signed attributes are not the due ones");
  return { ...readSigner(signer, certificates.map((each) => new Certificate(each.raw))), signedAt: times[0].instant };
}

// What is proved wrong with it; "" when nothing is.
async function institutionFault(found, signed) {
  const { certificate } = found, [id] = found.ids, kind = certificate && certificate.key.kind;
  const isMethod = kind && found.method === COUNTER_METHODS[kind] && (kind === "RSA" || certificate.key.curve === "P-256");
  if (!isMethod || HASHES[found.digestHash] !== "SHA-256") return "the certificate, or the method, is not the due one";
  if (found.contentTypes.join() !== DATA || found.messageDigests.length !== 1) return "the signed attributes are not the due ones";
  if (!isSame(found.messageDigests[0], await digestOf(signed))) return "it is over another checkpoint";
  const isNamed = found.ids.length === 1 && id.hash === "SHA-256" && isSame(id.digest, await digestOf(certificate.raw)) &&
    id.issuer && isSame(id.issuer, certificate.issuer.raw) && id.serial === certificate.serial.integer;
  if (!isNamed) return "it names another certificate";
  if (!(await holdsDer(certificate.key, "SHA-256", found.value, found.signedAttributes))) {
    return "the signature value does not fit the signed attributes and the certificate";
  }
  return certificate.isValid(found.signedAt) ? "" : "the certificate was not valid at the claimed time of signing";
}

async function checkInstitution(container, signed, anchors, at) {
  const name = "institution", store = anchors.institution;
  if (!container.has(FORMAT.institution)) {
    return store ? [undecided(name, "no_institution_signature", "", false)] : [];
  }
  if (!store) return [undecided(name, "no_institution_anchors", "", false)];
  if (!signed) return [undecided(name, "no_checkpoint", "what it should be over is not known", false)];
  try {
    const found = readInstitution(container.smallOf(FORMAT.institution));
    const fault = await institutionFault(found, signed);
    if (fault) return [failed(name, "institution_signature_wrong", fault)];
    const checks = await checkCertificate(name, found.certificate, found.chain, store, at, new Set());
    const wrong = checks.find((each) => each.verdict === FAILED), open = checks.find((each) => each.verdict !== PASSED);
    if (wrong) return [failed(name, "institution_signature_wrong", wrong.detail)];
    return [open ? undecided(name, "institution_untrusted", open.detail, false) : passed(name, found.certificate.named)];
  } catch (error) {
    if (error instanceof Unreadable) return [failed(name, "institution_signature_wrong", error.message)];
    if (error instanceof Unsupported) return [undecided(name, "use_gateway_verify", error.message)];
    throw error;
  }
}
