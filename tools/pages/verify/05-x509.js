// Certificates, revocation lists and the way to an anchor [RFC 5280]; stricter than gateway-verify where they differ.
const RSA = "1.2.840.113549.1.1.1", EC = "1.2.840.10045.2.1";
const CURVES = { "1.2.840.10045.3.1.7": ["P-256", 32], "1.3.132.0.34": ["P-384", 48], "1.3.132.0.35": ["P-521", 66] };
const METHODS = {
  "1.2.840.113549.1.1.11": ["RSA", "SHA-256"], "1.2.840.113549.1.1.12": ["RSA", "SHA-384"],
  "1.2.840.113549.1.1.13": ["RSA", "SHA-512"], "1.2.840.10045.4.3.2": ["EC", "SHA-256"],
  "1.2.840.10045.4.3.3": ["EC", "SHA-384"], "1.2.840.10045.4.3.4": ["EC", "SHA-512"],
};
const WITH_SHA1 = { "1.2.840.113549.1.1.5": ["RSA", "SHA-1"], "1.2.840.10045.4.1": ["EC", "SHA-1"] };
const CONSTRAINTS = "2.5.29.19", USAGE = "2.5.29.15", PURPOSES = "2.5.29.37", NAMES = "2.5.29.17", REASON = "2.5.29.21";
const SIGNING_PURPOSES = ["1.3.6.1.5.5.7.3.36", "1.3.6.1.5.5.7.3.4", "2.5.29.37.0", "1.3.6.1.4.1.311.10.3.12"];
const TIME_STAMPING = "1.3.6.1.5.5.7.3.8";
const NAME_PARTS = { "2.5.4.3": "CN", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST" };
const MOST_INTERMEDIATES = 4;

function nameOf(der) {
  const told = der.is(0x30).children.flatMap((set) => set.is(0x31).children.map((pair) => {
    const [kind, value] = pair.is(0x30).children;
    return `${NAME_PARTS[kind.oid] || kind.oid}=${new TextDecoder().decode(value.content)}`;
  }));
  return told.reverse().join(",");
}

function extensionsOf(der) {
  const found = new Map();
  for (const each of der.is(0x30).children) {
    const parts = new Parts(each), oid = parts.next().oid, critical = parts.maybe(0x01);
    const value = parts.next().is(0x04).content;
    parts.end();
    if (found.has(oid)) throw new Unreadable("an extension stands twice");
    found.set(oid, { isCritical: critical ? critical.boolean : false, value });
  }
  return found;
}

class Certificate {
  constructor(raw) {
    const outer = new Parts(Der.whole(raw));
    this.raw = raw;
    this.signed = outer.next().is(0x30);
    this.method = outer.next().is(0x30);
    this.value = outer.next().bits();
    outer.end();
    const parts = new Parts(this.signed), version = parts.maybe(0xa0);
    if (!version || version.children[0].integer !== 2n) throw new Unsupported("a certificate that is not of version 3");
    this.serial = parts.next();
    void this.serial.integer;
    if (!isSame(parts.next().raw, this.method.raw)) throw new Unreadable("a certificate names two signature methods");
    this.issuer = parts.next();
    const [begin, end] = parts.next().is(0x30).children;
    this.begin = begin.instant;
    this.end = end.instant;
    this.subject = parts.next();
    this.spki = parts.next().is(0x30);
    parts.maybe(0x81); parts.maybe(0x82);
    const extensions = parts.maybe(0xa3);
    parts.end();
    this.extensions = extensions ? extensionsOf(extensions.children[0]) : new Map();
    this.key = keyOf(this.spki);
    this.named = nameOf(this.subject);
  }

  // Whether a bit of keyUsage is set; null without the extension.
  usage(bit) {
    const found = this.extensions.get(USAGE);
    if (!found) return null;
    const bits = Der.whole(found.value).bits(true);
    return Boolean(bits[bit >> 3] & (0x80 >> (bit & 7)));
  }

  get constraints() {
    const found = this.extensions.get(CONSTRAINTS);
    if (!found) return { isCa: false, most: null };
    const parts = new Parts(Der.whole(found.value)), ca = parts.maybe(0x01), most = parts.maybe(0x02);
    parts.end();
    return { isCa: ca ? ca.boolean : false, most: most ? Number(most.integer) : null };
  }

  get purposes() {
    const found = this.extensions.get(PURPOSES);
    return found ? Der.whole(found.value).is(0x30).children.map((each) => each.oid) : null;
  }

  isValid(at) { return this.begin <= at && at <= this.end; }
}

// The public key as WebCrypto takes it; `kind` is RSA or EC, null for a key that may not sign.
function keyOf(spki) {
  const [algorithm, bits] = spki.children, [oid, parameters] = algorithm.is(0x30).children;
  if (oid.oid === RSA) {
    const [modulus, exponent] = Der.whole(bits.bits()).is(0x30).children;
    const size = modulus.integer.toString(2).length;
    return { kind: size >= 2048 && size <= 8192 && exponent.integer >= 3n ? "RSA" : null, spki: spki.raw };
  }
  const curve = oid.oid === EC && parameters.tag === 0x06 ? CURVES[parameters.oid] : null;
  return curve ? { kind: "EC", curve: curve[0], size: curve[1], spki: spki.raw } : { kind: null, spki: spki.raw };
}

// A signature in the form of XML and WebCrypto: RSASSA-PKCS1-v1_5, or r and s beside each other.
async function holds(key, hash, value, signed) {
  const algorithm = key.kind === "RSA"
    ? { name: "RSASSA-PKCS1-v1_5", hash } : { name: "ECDSA", namedCurve: key.curve, hash };
  let imported;
  try {
    imported = await crypto.subtle.importKey("spki", key.spki, algorithm, false, ["verify"]);
  } catch (error) {
    throw new Unsupported(`this browser does not take the key: ${error.name}`);
  }
  return crypto.subtle.verify(algorithm, imported, value, signed);
}

// The same in the form of X.509 and CMS, where an ECDSA signature is DER.
async function holdsDer(key, hash, value, signed) {
  if (key.kind !== "EC") return holds(key, hash, value, signed);
  const numbers = Der.whole(value).is(0x30).children.map((each) => each.integer);
  if (numbers.length !== 2 || numbers.some((each) => each <= 0n)) return false;
  const pair = numbers.map((each) => each.toString(16).padStart(2 * key.size, "0")).join("");
  if (pair.length !== 4 * key.size) return false;
  return holds(key, hash, Uint8Array.from(pair.match(/../g), (each) => parseInt(each, 16)), signed);
}

async function isSignedBy(child, issuer, methods = METHODS) {
  const [oid, parameters] = child.method.children, method = methods[oid.oid];
  if (!method || method[0] !== issuer.key.kind) return false;
  if (method[0] === "RSA" ? !parameters || parameters.tag !== 0x05 : parameters) return false;
  try {
    return await holdsDer(issuer.key, method[1], child.value, child.signed.raw);
  } catch (error) {
    if (error instanceof Unsupported || error instanceof Unreadable) return false;
    throw error;
  }
}

function isKnown(certificate) {
  const known = [CONSTRAINTS, USAGE, PURPOSES, NAMES];
  return Array.from(certificate.extensions).every(([oid, each]) => !each.isCritical || known.includes(oid));
}

function mayIssue(certificate, below, at) {
  const { isCa, most } = certificate.constraints;
  return isCa && (most === null || below <= most) && certificate.usage(5) === true && isKnown(certificate) &&
    certificate.isValid(at) && certificate.key.kind !== null && !certificate.extensions.has("2.5.29.30") &&
    certificate.serial.content.length <= 21 && certificate.serial.integer > 0n;
}

// From a certificate to an anchor as of `at`, itself first; null where there is none that this page understands.
async function pathOf(certificate, chain, trusted, at) {
  if (!certificate.isValid(at) || !isKnown(certificate) || certificate.key.kind === null) return null;
  const search = async (path) => {
    const child = path[path.length - 1], below = path.length - 1;
    for (const [issuers, isEnd] of [[trusted, true], [chain, false]]) {
      for (const issuer of issuers) {
        if (!isSame(issuer.subject.raw, child.issuer.raw) || path.some((each) => isSame(each.raw, issuer.raw))) continue;
        if (below > MOST_INTERMEDIATES || !mayIssue(issuer, below, at) || !(await isSignedBy(child, issuer))) continue;
        const found = isEnd ? [...path, issuer] : await search([...path, issuer]);
        if (found) return found;
      }
    }
    return null;
  };
  return search([certificate]);
}

class RevocationList {
  constructor(raw) {
    const outer = new Parts(Der.whole(raw));
    this.signed = outer.next().is(0x30);
    this.method = outer.next().is(0x30);
    this.value = outer.next().bits();
    outer.end();
    const parts = new Parts(this.signed);
    parts.maybe(0x02);
    if (!isSame(parts.next().raw, this.method.raw)) throw new Unreadable("a list names two signature methods");
    this.issuer = parts.next();
    this.made = parts.next().instant;
    const next = parts.maybe(0x17, 0x18), revoked = parts.maybe(0x30), extensions = parts.maybe(0xa0);
    parts.end();
    this.next = next ? next.instant : null;
    this.revoked = (revoked ? revoked.children : []).map((each) => {
      const [serial, at] = each.is(0x30).children;
      return { serial: serial.integer, at: at.instant };
    });
    const known = extensions ? extensionsOf(extensions.children[0]) : new Map();
    this.isPartial = Array.from(known.values()).some((each) => each.isCritical);
  }

  get isWeak() { return this.method.children[0].oid in WITH_SHA1; }
}

// One check for every certificate of a path about which its issuer says something; of others `unexamined` tells.
async function revocationsOf(path, store, at, name, unexamined, isStamp = false) {
  const checks = [], serials = path.map((each) => each.serial.integer);
  // a list of the bundle that had ended before tells of revocations only
  const says = (list) => !list.isOfBundle || list.next === null || list.next >= at || list.revoked.some((each) => serials.includes(each.serial));
  for (const [number, child] of path.slice(0, -1).entries()) {
    const issuer = path[number + 1], own = [];
    for (const each of store.lists.filter(says)) {
      if (isSame(each.issuer.raw, issuer.subject.raw) && (await isSignedBy(each, issuer))) own.push(each);
    }
    const listed = own.length ? listCheck(child, own, at, name, isStamp) : null;
    const told = saidOf([listed, await ocspCheck(child, issuer, store.ocsps, at, name, isStamp)]);
    if (told) checks.push(told);
    else unexamined.add(`revocation of ${child.named}: no list of its issuer`);
  }
  return checks;
}

function listCheck(child, own, at, name, isStamp) {
  const newest = own.reduce((best, each) => (each.made > best.made ? each : best));
  const entry = own.flatMap((each) => each.revoked).find((each) => each.serial === child.serial.integer);
  if (newest.isPartial) return undecided(name, "try_later", "the issuer's list covers only a part");
  if (entry && (isStamp || entry.at <= at)) {
    return undecided(name, "revoked_no_poe", `${child.named} was revoked on ${new Date(entry.at).toISOString()}`);
  }
  if (newest.next !== null && newest.next < at) return undecided(name, "try_later", "the issuer's newest revocation list has ended");
  return passed(name);
}
