// DER as X.690 writes it, and no other way: what differs is not understood here.
class Der {
  constructor(bytes, at = 0, end = bytes.length) {
    if (end - at < 2) throw new Unreadable("the DER ends early");
    this.tag = bytes[at];
    if ((this.tag & 0x1f) === 0x1f) throw new Unsupported("a DER tag of several bytes");
    let size = bytes[at + 1], head = 2;
    if (size === 0x80) throw new Unsupported("BER of indefinite length");
    if (size > 0x80) {
      const count = size - 0x80;
      if (count > 4 || end - at < 2 + count) throw new Unreadable("a DER length is wrong");
      size = 0;
      for (let number = 0; number < count; number += 1) size = size * 256 + bytes[at + 2 + number];
      head += count;
      if (size < 0x80 || bytes[at + 2] === 0) throw new Unsupported("a DER length that is not the shortest");
    }
    if (at + head + size > end) throw new Unreadable("the DER ends early");
    this.raw = bytes.subarray(at, at + head + size);
    this.content = bytes.subarray(at + head, at + head + size);
  }

  static whole(bytes) {
    const found = new Der(bytes);
    if (found.raw.length !== bytes.length) throw new Unreadable("bytes follow the DER");
    return found;
  }

  get children() {
    if (!(this.tag & 0x20)) throw new Unreadable("a DER value has no parts");
    const found = [];
    for (let at = 0; at < this.content.length; at += found[found.length - 1].raw.length) {
      found.push(new Der(this.content, at));
    }
    return found;
  }

  is(tag) {
    if (this.tag !== tag) throw new Unreadable(`a DER tag is ${this.tag} where ${tag} is due`);
    return this;
  }

  get oid() {
    this.is(0x06);
    const arcs = [];
    let arc = 0n;
    this.content.forEach((byte, at) => {
      if (byte === 0x80 && arc === 0n) throw new Unreadable("an OID is not in its shortest form");
      arc = arc * 128n + BigInt(byte & 0x7f);
      if (byte & 0x80) {
        if (at === this.content.length - 1) throw new Unreadable("an OID ends early");
        return;
      }
      if (arcs.length === 0) {
        const first = arc < 80n ? arc / 40n : 2n;
        arcs.push(first, arc - first * 40n);
      } else arcs.push(arc);
      arc = 0n;
    });
    return arcs.join(".");
  }

  get integer() {
    this.is(0x02);
    const bytes = this.content;
    if (!bytes.length) throw new Unreadable("an INTEGER is empty");
    const sign = bytes[0] & 0x80;
    if (bytes.length > 1 && (bytes[0] === 0 ? !(bytes[1] & 0x80) : bytes[0] === 0xff && bytes[1] & 0x80)) {
      throw new Unreadable("an INTEGER is not in its shortest form");
    }
    const value = BigInt(`0x${hexOf(bytes)}`);
    return sign ? value - (1n << BigInt(8 * bytes.length)) : value;
  }

  get boolean() {
    this.is(0x01);
    if (this.content.length !== 1 || ![0, 0xff].includes(this.content[0])) throw new Unreadable("no BOOLEAN of DER");
    return this.content[0] === 0xff;
  }

  // Of a BIT STRING of whole bytes, or with `isNamed` of single bits.
  bits(isNamed = false) {
    this.is(0x03);
    const unused = this.content[0];
    if (unused === undefined || unused > 7 || (unused && !isNamed)) throw new Unreadable("a BIT STRING is wrong");
    return this.content.subarray(1);
  }

  // Milliseconds since 1970, of UTCTime or GeneralizedTime in UTC.
  get instant() {
    const text = String.fromCharCode(...this.content);
    const isShort = this.tag === 0x17;
    const form = isShort ? /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/ : /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\.\d{1,9})?Z$/;
    const found = isShort || this.tag === 0x18 ? form.exec(text) : null;
    if (!found) throw new Unreadable("that is no time in UTC");
    let [year, month, day, hour, minute, second] = found.slice(1, 7).map(Number);
    if (isShort) year += year < 50 ? 2000 : 1900;
    const at = Date.UTC(year, month - 1, day, hour, minute, second);
    const back = new Date(at);
    if (back.getUTCMonth() !== month - 1 || back.getUTCDate() !== day || hour > 23 || minute > 59 || second > 59) {
      throw new Unreadable("that time does not exist");
    }
    return at + Math.floor(Number(found[7] || 0) * 1000);
  }
}

// The parts of a SEQUENCE whose optional ones have context tags or a place of their own.
class Parts {
  constructor(der) { this.rest = der.is(0x30).children; }
  next() {
    if (!this.rest.length) throw new Unreadable("a DER SEQUENCE ends early");
    return this.rest.shift();
  }
  maybe(...tags) { return this.rest.length && tags.includes(this.rest[0].tag) ? this.rest.shift() : null; }
  end() { if (this.rest.length) throw new Unreadable("a DER SEQUENCE holds more than is due"); }
}

function derOf(tag, content) {
  const size = content.length;
  if (size < 0x80) return joined([tag, size], content);
  const length = [];
  for (let left = size; left; left = Math.floor(left / 256)) length.unshift(left % 256);
  return joined([tag, 0x80 | length.length, ...length], content);
}
