// OCSP answers about one certificate (gateway/seal/ocsp.py) [RFC 6960].
const OCSP_BASIC = "1.3.6.1.5.5.7.48.1.1", OCSP_SIGNING = "1.3.6.1.5.5.7.3.9", MOST_RESPONDERS = 8;
const OCSP_HASHES = {
  "1.3.14.3.2.26": "SHA-1", "2.16.840.1.101.3.4.2.1": "SHA-256", "2.16.840.1.101.3.4.2.2": "SHA-384", "2.16.840.1.101.3.4.2.3": "SHA-512",
};

class OcspAnswer {
  constructor(raw) {
    const outer = new Parts(Der.whole(raw)), status = outer.next().is(0x0a), held = outer.maybe(0xa0);
    if (status.content.length !== 1 || status.content[0] !== 0 || !held) throw new Unreadable("it tells of an error");
    const [kind, value] = held.children[0].is(0x30).children;
    if (kind.oid !== OCSP_BASIC) throw new Unreadable("an OCSP answer of another kind");
    const basic = new Parts(Der.whole(value.is(0x04).content));
    this.signed = basic.next().is(0x30);
    this.method = basic.next().is(0x30);
    this.value = basic.next().bits();
    const certificates = basic.maybe(0xa0);
    this.certificates = certificates ? certificates.children[0].is(0x30).children.map((each) => each.raw) : [];
    const parts = new Parts(this.signed);
    parts.maybe(0xa0);
    if (!parts.maybe(0xa1, 0xa2)) throw new Unreadable("an OCSP answer names no responder");
    this.produced = parts.next().instant;
    const [single, ...more] = parts.next().is(0x30).children;
    if (!single || more.length) throw new Unreadable("it is about several certificates, or none");
    this.readSingle(new Parts(single));
  }

  readSingle(parts) {
    const [algorithm, name, key, serial] = parts.next().is(0x30).children;
    this.hash = OCSP_HASHES[algorithm.children[0].oid];
    if (!this.hash) throw new Unsupported("an OCSP answer with an unusual hash");
    this.nameHash = name.is(0x04).content;
    this.keyHash = key.is(0x04).content;
    this.serial = serial.integer;
    const status = parts.next();
    if (![0x80, 0xa1, 0x82].includes(status.tag)) throw new Unreadable("an OCSP answer of an unknown status");
    this.isUnknown = status.tag === 0x82;
    this.revokedAt = status.tag === 0xa1 ? status.children[0].instant : null;
    this.made = parts.next().instant;
    const next = parts.maybe(0xa0);
    this.next = next ? next.children[0].instant : null;
  }

  async namesIssuer(issuer) {
    const key = issuer.spki.children[1].bits();
    return isSame(await digestOf(issuer.subject.raw, this.hash), this.nameHash) && isSame(await digestOf(key, this.hash), this.keyHash);
  }

  // Whether the issuer signed it, or a responder that it certified and that was valid when it answered.
  async isAuthorised(issuer, methods = METHODS) {
    if (await isSignedBy(this, issuer, methods)) return true;
    for (const raw of this.certificates.slice(0, MOST_RESPONDERS)) {
      const each = attempted(() => new Certificate(raw));
      if (!each || !isSame(each.issuer.raw, issuer.subject.raw) || !(await isSignedBy(each, issuer))) continue;
      const purposes = each.purposes;
      if (purposes && purposes.includes(OCSP_SIGNING) && each.isValid(this.produced) && (await isSignedBy(this, each, methods))) return true;
    }
    return false;
  }

  get isWeak() { return this.method.children[0].oid in WITH_SHA1; }
}

// Of the bundle, by the entry's name; null for what cannot be read.
function ocspsOf(container) {
  const found = new Map();
  for (const name of container.entries.keys()) {
    if (roleOf(name) === "revocation" && name.endsWith(".ocsp")) found.set(name, attempted(() => new OcspAnswer(container.smallOf(name))));
  }
  return found;
}

// Who gave it, and about whom.
async function whoseOcsp(name, found, authorities) {
  if (!found) return failed(name, "answer_unreadable");
  const issuers = [];
  for (const each of authorities) if (await found.namesIssuer(each)) issuers.push(each);
  if (!issuers.length) return undecided(name, "answer_unrelated", "of a CA that is not here", false);
  const told = issuers[0].named;
  let isRight = false;
  for (const each of issuers) isRight = isRight || (await found.isAuthorised(each, found.isWeak ? WITH_SHA1 : METHODS));
  if (isRight && found.isWeak) return undecided(name, "answer_weak", `of ${told}, signed with SHA-1`, false);
  if (!isRight) return failed(name, "answer_of_another_ca", `neither ${told} nor a responder of it signed it`);
  const isHere = authorities.some((each) => each.serial.integer === found.serial && isSame(each.issuer.raw, issuers[0].subject.raw));
  return isHere ? passed(name, `of ${told}`) : undecided(name, "answer_unrelated", `of ${told}, about a certificate that is not here`, false);
}

// What the answers say of a certificate as of then; null where none is about it.
async function ocspCheck(child, issuer, answers, at, name, isStamp) {
  const own = [];
  for (const each of answers) {
    const says = each.revokedAt !== null || each.next === null || each.next >= at;
    if (!says || each.serial !== child.serial.integer || each.isWeak) continue;
    if ((await each.namesIssuer(issuer)) && (await each.isAuthorised(issuer))) own.push(each);
  }
  if (!own.length) return null;
  const revoked = own.find((each) => each.revokedAt !== null && (isStamp || each.revokedAt <= at));
  if (revoked) return undecided(name, "revoked_no_poe", `${child.named} was revoked on ${new Date(revoked.revokedAt).toISOString()}`);
  const newest = own.reduce((best, each) => (each.made > best.made ? each : best));
  if (newest.isUnknown) return undecided(name, "try_later", "the CA's responder does not know it");
  return newest.next !== null && newest.next < at ? undecided(name, "try_later", "the newest OCSP answer has ended") : passed(name);
}

// A revocation counts wherever it is told; where one source has ended, the other may do.
function saidOf(checks) {
  const rank = (each) => (each.reason === "revoked_no_poe" ? 0 : each.verdict === PASSED ? 1 : 2);
  return checks.filter((each) => each).sort((one, other) => rank(one) - rank(other))[0] || null;
}
