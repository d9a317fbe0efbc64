// What was added to a seal after it was made (gateway/seal/unsigned.py): one form, written again and compared.
const XADES141 = "http://uri.etsi.org/01903/v1.4.1#", MOST_VALUES = 60, MOST_ARCHIVE_STAMPS = 20, MOST_ARCHIVED_BYTES = 1 << 28;
const ARCHIVE_MARK = "<xades141:ArchiveTimeStamp";
const ADDED_BEGIN = "<xades:UnsignedProperties>", ADDED_END = "</xades:UnsignedProperties>";
const ADDED_INNER = "<xades:UnsignedSignatureProperties>", ADDED_INNER_END = "</xades:UnsignedSignatureProperties>";

// The seal as it was made, and what was added.
function split(bytes) {
  const text = looked(bytes), begin = text.indexOf(ADDED_BEGIN);
  const last = text.lastIndexOf(`${ADDED_END}</xades:QualifyingProperties>`);
  if (begin < 0 || last < begin) return { core: bytes, added: new Uint8Array() };
  const end = last + ADDED_END.length;
  return { core: joined(bytes.subarray(0, begin), bytes.subarray(end)), added: bytes.subarray(begin, end) };
}

function valuesIn(text, outer, inner) {
  // found from mark to mark: a pattern over foreign bytes would look for the end again and again
  const begin = text.indexOf(`:${outer}`), end = text.lastIndexOf(`:${outer}>`);
  const each = new RegExp(`<xades:${inner}>([A-Za-z0-9+/]+={0,2})</xades:${inner}>`, "g");
  return begin >= 0 && end > begin ? Array.from(text.slice(begin, end).matchAll(each), (found) => found[1]) : [];
}

// The properties as base 64; null where what stands there is not of the one form.
function readAdded(added, isExport) {
  if (!added.length) return { stamp: [], archive: [] };
  const text = looked(added);
  const found = {
    stamp: valuesIn(text, "SignatureTimeStamp", "EncapsulatedTimeStamp"),
    certificates: valuesIn(text, "CertificateValues", "EncapsulatedX509Certificate"),
    crls: valuesIn(text, "CRLValues", "EncapsulatedCRLValue"),
    ocsps: valuesIn(text, "OCSPValues", "EncapsulatedOCSPValue"),
    archive: valuesIn(text, "ArchiveTimeStamp", "EncapsulatedTimeStamp"),
  };
  const all = Object.values(found).flat(), values = found.certificates.length + found.crls.length + found.ocsps.length;
  if (!all.length || found.stamp.length > 1 || found.archive.length > MOST_ARCHIVE_STAMPS || values > MOST_VALUES) return null;
  return all.every((each) => decoded(each)) && addedOf(found, isExport) === text ? found : null;
}

function addedOf(found, isExport) {
  const spaces = `${isExport ? ` xmlns:asic="${ASIC}"` : ""} xmlns:ds="${DS}" xmlns:xades="${XADES}"`;
  const held = (name, values) => values.map((each) => `<xades:${name}>${each}</xades:${name}>`).join("");
  const put = (name, text) => (text ? `<xades:${name}${spaces}>${text}</xades:${name}>` : "");
  const method = `<ds:CanonicalizationMethod Algorithm="${C14N}"></ds:CanonicalizationMethod>`;
  const stamp = (values) => (values.length ? method + held("EncapsulatedTimeStamp", values) : "");
  const inner = (name, text) => (text ? `<xades:${name}>${text}</xades:${name}>` : "");
  const revocation = inner("CRLValues", held("EncapsulatedCRLValue", found.crls)) +
    inner("OCSPValues", held("EncapsulatedOCSPValue", found.ocsps));
  const archive = found.archive.map((each) => `<xades141:ArchiveTimeStamp xmlns:xades141="${XADES141}">${stamp([each])}</xades141:ArchiveTimeStamp>`);
  return ADDED_BEGIN + ADDED_INNER + put("SignatureTimeStamp", stamp(found.stamp)) +
    put("CertificateValues", held("EncapsulatedX509Certificate", found.certificates)) + put("RevocationValues", revocation) +
    archive.join("") + ADDED_INNER_END + ADDED_END;
}

// Whether a seal has the stamps of XAdES B-LTA, whatever they are worth.
function isLasting(bytes) {
  const { core, added } = split(bytes), found = readAdded(added, looked(core.subarray(0, 300)).includes(`xmlns:asic="${ASIC}"`));
  return Boolean(found && found.stamp.length && found.archive.length);
}

// The findings about a seal's own stamps; `container` where one may be over all that the seal names.
async function checkAdded(name, bytes, anchors, container = null) {
  const { core, added } = split(bytes), found = readAdded(added, looked(core.subarray(0, 300)).includes(`xmlns:asic="${ASIC}"`));
  if (!found || (found.archive.length && !container)) return [[failed(`${name}.added`, "properties_wrong"), null]];
  const stamps = [];
  const all = [...found.stamp.map((token) => ["stamp", token, 0]),
    ...found.archive.map((token, number) => [number ? `archive_stamp.${number + 1}` : "archive_stamp", token, number])];
  for (const [kind, token, number] of all) {
    const told = `${name}.${kind}`;
    try {
      const seal = readSeal(core, container !== null);
      const over = kind === "stamp" ? seal.canonicalValue : archived(seal, added, container, number);
      stamps.push(await judgedToken(told, fromBase64(token), await digestOf(over), anchors.tsa));
    } catch (error) {
      if (!(error instanceof Unsupported || error instanceof Unreadable)) throw error;
      stamps.push([undecided(told, "use_gateway_verify", error.message), null]);
    }
  }
  return stamps;
}

// What an ArchiveTimeStamp is over [ETSI EN 319 132-1 5.5.2.2]; `number`: archive stamps before it.
function archived(seal, added, container, number) {
  const files = seal.references.map((each) => each.uri).filter((each) => container.has(each)).map((each) => container.bytesOf(each));
  if (files.reduce((sum, each) => sum + each.length, 0) > MOST_ARCHIVED_BYTES) throw new Unsupported("the bundle is too large for a browser");
  const before = looked(added).slice((ADDED_BEGIN + ADDED_INNER).length).split(ARCHIVE_MARK).slice(0, number + 1).join(ARCHIVE_MARK);
  return joined(...files, seal.properties, seal.signedInfo, seal.canonicalValue, seal.canonicalKeyInfo, bytesOf(before));
}
