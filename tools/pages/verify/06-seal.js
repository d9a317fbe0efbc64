// The gateway's own seals. It writes them in one way only, in which SignedInfo and SignedProperties stand in the file
// in their canonical form (gateway/seal/writer.py); this page reads that way alone, literally, and calls a file that
// differs INDETERMINATE: another way of writing the same would need a canonicaliser, which gateway-verify has.
const DS = "http://www.w3.org/2000/09/xmldsig#", XADES = "http://uri.etsi.org/01903/v1.3.2#";
const ASIC = "http://uri.etsi.org/02918/v1.2.1#", C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
const SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256";
const RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
const ECDSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
const SIGNED_PROPERTIES = "http://uri.etsi.org/01903#SignedProperties";
const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>';
const CLOCK_TOLERANCE = 5 * 60 * 1000, MOST_CERTIFICATES = 5;

// Goes along a text: what is due, and values between, which hold no markup and no white space but blanks.
class Along {
  constructor(text) { this.text = text; this.at = 0; }
  sees(literal) { return this.text.startsWith(literal, this.at); }
  due(literal) {
    if (!this.sees(literal)) throw new Unsupported(`not as the gateway writes it, at character ${this.at}`);
    this.at += literal.length;
  }
  value(end) {
    const stop = this.text.indexOf(end, this.at), value = this.text.slice(this.at, stop);
    if (stop < 0 || !/^[\x20-\x7e]*$/.test(value) || /[<>&"]/.test(value)) {
      throw new Unsupported(`not as the gateway writes it, at character ${this.at}`);
    }
    this.at = stop + end.length;
    return value;
  }
  digest() {
    this.due(`<ds:DigestMethod Algorithm="${SHA256}"></ds:DigestMethod><ds:DigestValue>`);
    return this.value("</ds:DigestValue>");
  }
}

function readSeal(bytes, isExport) {
  const asic = isExport ? ` xmlns:asic="${ASIC}"` : "";
  const along = new Along(textOf(bytes));
  const seal = { references: [], formats: [], certificates: [], isExport };
  along.due(`${DECLARATION}\n`);
  if (isExport) along.due(`<asic:XAdESSignatures xmlns:asic="${ASIC}">`);
  along.due(`<ds:Signature xmlns:ds="${DS}" Id="`);
  seal.id = along.value('">');
  const infoAt = along.at;
  along.due(`<ds:SignedInfo${asic} xmlns:ds="${DS}"><ds:CanonicalizationMethod Algorithm="${C14N}">`);
  along.due('</ds:CanonicalizationMethod><ds:SignatureMethod Algorithm="');
  seal.method = along.value('"></ds:SignatureMethod>');
  while (along.sees('<ds:Reference Id="')) {
    along.due('<ds:Reference Id="');
    const id = along.value('" URI="'), uri = along.value('">'), digest = along.digest();
    along.due("</ds:Reference>");
    seal.references.push({ id, uri, digest });
  }
  along.due(`<ds:Reference Type="${SIGNED_PROPERTIES}" URI="`);
  seal.propertiesUri = along.value('">');
  along.due(`<ds:Transforms><ds:Transform Algorithm="${C14N}"></ds:Transform></ds:Transforms>`);
  seal.propertiesDigest = along.digest();
  along.due("</ds:Reference></ds:SignedInfo>");
  seal.signedInfo = bytesOf(along.text.slice(infoAt, along.at));
  along.due("<ds:SignatureValue>");
  seal.value = along.value("</ds:SignatureValue>");
  seal.canonicalValue = bytesOf(`<ds:SignatureValue${asic} xmlns:ds="${DS}">${seal.value}</ds:SignatureValue>`);
  const keyAt = along.at;
  along.due("<ds:KeyInfo><ds:X509Data>");
  while (along.sees("<ds:X509Certificate>")) {
    along.due("<ds:X509Certificate>");
    seal.certificates.push(along.value("</ds:X509Certificate>"));
  }
  along.due("</ds:X509Data></ds:KeyInfo>");
  const keyInfo = along.text.slice(keyAt + "<ds:KeyInfo>".length, along.at);
  seal.canonicalKeyInfo = bytesOf(`<ds:KeyInfo${asic} xmlns:ds="${DS}">${keyInfo}`);
  along.due(`<ds:Object><xades:QualifyingProperties xmlns:xades="${XADES}" Target="`);
  seal.target = along.value('">');
  readProperties(along, seal, asic);
  along.due("</xades:QualifyingProperties></ds:Object></ds:Signature>");
  along.due(isExport ? "</asic:XAdESSignatures>\n" : "\n");
  if (along.at !== along.text.length) throw new Unsupported("not as the gateway writes it, at its end");
  const due = isExport ? seal.references.length : 2;
  const counts = [seal.references.length, seal.formats.length].every((count) => count === due && count > 0);
  if (!counts || seal.certificates.length < 1 || seal.certificates.length > MOST_CERTIFICATES) {
    throw new Unsupported("not as the gateway writes it: parts are missing, or too many");
  }
  return seal;
}

function readProperties(along, seal, asic) {
  const begin = along.at;
  along.due(`<xades:SignedProperties${asic} xmlns:ds="${DS}" xmlns:xades="${XADES}" Id="`);
  seal.propertiesId = along.value('"><xades:SignedSignatureProperties>');
  along.due("<xades:SigningTime>");
  seal.time = along.value("</xades:SigningTime>");
  along.due("<xades:SigningCertificateV2><xades:Cert><xades:CertDigest>");
  seal.certificateDigest = along.digest();
  along.due("</xades:CertDigest><xades:IssuerSerialV2>");
  seal.issuerSerial = along.value("</xades:IssuerSerialV2>");
  along.due("</xades:Cert></xades:SigningCertificateV2></xades:SignedSignatureProperties>");
  along.due("<xades:SignedDataObjectProperties>");
  while (along.sees("<xades:DataObjectFormat ")) {
    along.due('<xades:DataObjectFormat ObjectReference="');
    const reference = along.value('"><xades:MimeType>'), type = along.value("</xades:MimeType>");
    along.due("</xades:DataObjectFormat>");
    seal.formats.push({ reference, type });
  }
  along.due("</xades:SignedDataObjectProperties></xades:SignedProperties>");
  seal.properties = bytesOf(along.text.slice(begin, along.at));
}

// What can be told of a file that is not in that form: whether it is a seal at all.
function refusalOf(bytes, most, root) {
  if (bytes.length > most) return `the file is larger than ${most} bytes`;
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  if (!text.startsWith(DECLARATION)) return "the file does not begin with the XML declaration of a receipt (UTF-8)";
  if (text.includes("<!")) return "the file holds a DTD, a comment or CDATA";
  if (text.indexOf("<?", 1) >= 0) return "the file holds a processing instruction";
  const tree = new DOMParser().parseFromString(text, "application/xml");
  if (tree.getElementsByTagName("parsererror").length) return "the file cannot be read as XML";
  const [space, name] = root;
  if (tree.documentElement.namespaceURI !== space || tree.documentElement.localName !== name) {
    return `${tree.documentElement.localName} stands where ${name} is due`;
  }
  return "";
}

function opened(prefix, bytes, isExport, checks) {
  const name = `${prefix}.${isExport ? "seal" : "receipt"}.shape`;
  const most = isExport ? FORMAT.max_export_bytes : FORMAT.max_receipt_bytes;
  const refusal = refusalOf(bytes, most, isExport ? [ASIC, "XAdESSignatures"] : [DS, "Signature"]);
  if (refusal) {
    checks.push(failed(name, "format_failure", refusal));
    return null;
  }
  try {
    const seal = readSeal(bytes, isExport);
    checks.push(passed(name));
    return seal;
  } catch (error) {
    if (!(error instanceof Unsupported || error instanceof Unreadable)) throw error;
    checks.push(undecided(name, "use_gateway_verify", error.message));
    return null;
  }
}

const decoded = (text) => { try { return text ? fromBase64(text) : null; } catch (error) { return null; } };

function compared(name, sealed, actual, what) {
  const digest = decoded(sealed);
  if (!digest) return undecided(name, "format_failure", `the receipt holds no readable digest of ${what}`);
  if (!isSame(digest, actual)) return failed(name, "hash_failure", `the ${what} is not the one that was sealed`);
  return passed(name);
}

async function checkReceipt(prefix, bytes, documentDigest, transfer, context) {
  const checks = [], seal = opened(prefix, bytes, false, checks);
  if (!seal) return checks;
  const [document, manifest] = seal.references, [first, second] = seal.formats;
  const base = `S-${hexOf(decoded(document.digest) || []).slice(0, 32)}`;
  const fits = seal.id === base && document.id === `${base}-D` && manifest.id === `${base}-T` &&
    seal.propertiesId === `${base}-P` && seal.propertiesUri === `#${base}-P` && seal.target === `#${base}` &&
    first.reference === `#${base}-D` && second.reference === `#${base}-T`;
  const named = document.uri === "document.edxml" && manifest.uri === "transfer.json" && second.type === "application/json";
  checks.push(
    fits ? passed(`${prefix}.receipt.ids`) : failed(`${prefix}.receipt.ids`, "format_failure", "identifiers do not fit together"),
    named ? passed(`${prefix}.receipt.names`) : failed(`${prefix}.receipt.names`, "sig_constraints_failure"),
    compared(`${prefix}.document.digest`, document.digest, documentDigest, "document"),
    compared(`${prefix}.transfer.digest`, manifest.digest, await digestOf(transfer), "transfer"),
    compared(`${prefix}.properties.digest`, seal.propertiesDigest, await digestOf(seal.properties), "properties"),
    ...(await checkSigner(prefix, seal, context)),
  );
  return checks;
}

async function checkExport(bytes, entries, context) {
  const checks = [], seal = opened("export", bytes, true, checks);
  if (!seal) return checks;
  const base = seal.id, sealed = seal.references.map((each) => each.uri);
  const fits = /^E-[0-9a-f]{32}$/.test(base) && seal.propertiesId === `${base}-P` && seal.propertiesUri === `#${base}-P` &&
    seal.target === `#${base}` && seal.references.every((each, at) => each.id === `${base}-${at}`) &&
    seal.formats.every((each, at) => each.reference === `#${base}-${at}`);
  checks.push(fits ? passed("export.seal.ids") : failed("export.seal.ids", "format_failure", "identifiers do not fit together"));
  const missing = sealed.filter((each) => !entries.has(each));
  const extra = Array.from(entries.keys()).filter((each) => !sealed.includes(each));
  if (new Set(sealed).size !== sealed.length) {
    checks.push(failed("export.seal.entries", "format_failure", "the seal names an entry twice"));
  } else if (missing.length) {
    checks.push(failed("export.seal.entries", "signed_data_not_found", `sealed, but not there: ${missing.join(", ")}`));
  } else if (extra.length) {
    checks.push(failed("export.seal.entries", "sig_constraints_failure", `there, but not sealed: ${extra.join(", ")}`));
  } else checks.push(passed("export.seal.entries"));
  for (const each of seal.references) {
    if (!entries.has(each.uri)) continue;
    const wrong = compared(`export.digest of ${each.uri}`, each.digest, entries.get(each.uri), each.uri);
    if (wrong.verdict !== PASSED) checks.push(wrong);
  }
  checks.push(compared("export.properties.digest", seal.propertiesDigest, await digestOf(seal.properties), "properties"));
  checks.push(...(await checkSigner("export", seal, context)));
  return checks;
}

// Certificates, what the signed properties name, the value, the path to an anchor at `context.at`.
async function checkSigner(prefix, seal, { anchors, at, unexamined }) {
  let certificate, chain;
  try {
    [certificate, ...chain] = seal.certificates.map((each) => new Certificate(fromBase64(each)));
  } catch (error) {
    if (!(error instanceof Unsupported || error instanceof Unreadable)) throw error;
    return [undecided(`${prefix}.certificate.present`, "no_signing_certificate_found", error.message)];
  }
  const checks = [await bindingOf(`${prefix}.signing_certificate.binding`, seal, certificate)];
  const kind = { [RSA_SHA256]: "RSA", [ECDSA_SHA256]: "EC" }[seal.method];
  const { key } = certificate, value = decoded(seal.value);
  if (!kind || key.kind !== kind || (kind === "EC" && key.curve !== "P-256")) {
    checks.push(failed(`${prefix}.signature.method`, "crypto_constraints_failure", "the signature method is not allowed, or not with this kind of key"));
  } else {
    checks.push(passed(`${prefix}.signature.method`, seal.method));
    const name = `${prefix}.signature.value`;
    if (!value) checks.push(undecided(name, "format_failure", "the signature value cannot be read"));
    else if ((kind === "EC" && value.length !== 64) || !(await holds(key, "SHA-256", value, seal.signedInfo))) {
      checks.push(failed(name, "sig_crypto_failure", "the signature value does not fit SignedInfo and certificate"));
    } else checks.push(passed(name));
  }
  checks.push(...(await checkCertificate(prefix, certificate, chain, anchors.seal, at, unexamined)));
  checks.push(timeOf(`${prefix}.signing_time`, seal.time, certificate, at));
  return checks;
}

async function bindingOf(name, seal, certificate) {
  const digest = decoded(seal.certificateDigest), issuer = decoded(seal.issuerSerial);
  if (!digest || !issuer) return undecided(name, "format_failure", "SigningCertificateV2 cannot be read");
  const general = derOf(0x30, derOf(0xa4, certificate.issuer.raw));
  const due = derOf(0x30, joined(general, certificate.serial.raw));
  if (!isSame(digest, await digestOf(certificate.raw))) {
    return failed(name, "sig_constraints_failure", "the signed properties name another certificate");
  }
  if (!isSame(issuer, due)) return failed(name, "sig_constraints_failure", "IssuerSerialV2 names another issuer or serial number");
  return passed(name, certificate.named);
}

async function checkCertificate(prefix, certificate, chain, store, at, unexamined) {
  const checks = [certificate.isValid(at) ? passed(`${prefix}.certificate.validity`)
    : undecided(`${prefix}.certificate.validity`, "out_of_bounds_no_poe", "the seal certificate was not yet valid, or had expired")];
  const purposes = certificate.purposes, faults = [];
  if (certificate.usage(0) !== true) faults.push("keyUsage lacks digitalSignature");
  if (certificate.usage(1) !== true) faults.push("keyUsage lacks nonRepudiation");
  if (certificate.constraints.isCa) faults.push("it is a CA certificate");
  if (purposes && !purposes.some((each) => SIGNING_PURPOSES.includes(each))) {
    faults.push("extendedKeyUsage allows no signing of documents");
  }
  checks.push(faults.length ? failed(`${prefix}.certificate.usage`, "chain_constraints_failure", faults.join("; "))
    : passed(`${prefix}.certificate.usage`));
  const trusted = store.trusted(at), path = trusted.length ? await pathOf(certificate, chain, trusted, at) : null;
  if (!path) {
    const told = trusted.length ? `the certificate does not lead to a trusted CA: ${certificate.named}` : "no anchor was trusted at that time";
    checks.push(undecided(`${prefix}.certificate.path`, "no_certificate_chain_found", told));
    return checks;
  }
  checks.push(passed(`${prefix}.certificate.path`, path.map((each) => each.named).join(" < ")));
  checks.push(...(await revocationsOf(path, store, at, `${prefix}.certificate.revocation`, unexamined)));
  return checks;
}

function timeOf(name, text, certificate, at) {
  const claimed = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(claimed)) return failed(name, "format_failure", "SigningTime is not an instant in UTC");
  if (claimed > at + CLOCK_TOLERANCE) {
    return failed(name, "sig_constraints_failure", "the claimed time of sealing is after the time of verification");
  }
  if (!certificate.isValid(claimed)) {
    return failed(name, "sig_constraints_failure", "the certificate was not valid at the claimed time of sealing");
  }
  return passed(name, text);
}
