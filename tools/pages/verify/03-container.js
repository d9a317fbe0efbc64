// The container, as gateway/bundle/container.py reads it: stored entries, every byte in its place, or a fault.
const LOCAL = 30, CENTRAL = 46, END = 22, MOST_FAULTS = 100;
const DATE = 33, VERSION = 10;
const ROLES = Object.entries(FORMAT.roles).map(([role, names]) => [role, new RegExp(`^(?:${names})$`)]);

function roleOf(name) {
  const found = ROLES.find(([, names]) => names.test(name));
  return found && !/\n/.test(name) ? found[0] : null;
}
const isBody = (name) => ["document", "message"].includes(roleOf(name));

const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit += 1) byte = byte & 1 ? 0xedb88320 ^ (byte >>> 1) : byte >>> 1;
  return byte >>> 0;
});
function crcOf(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

class Container {
  constructor(data) {
    this.data = data;
    this.view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    this.entries = new Map();
    this.faults = [];
    this.digests = new Map();
    this.walk();
  }

  has(name) { return this.entries.has(name); }

  bytesOf(name) {
    const entry = this.entries.get(name);
    if (!entry) throw new Unreadable(`there is no entry ${name}`);
    return this.data.subarray(entry.offset, entry.offset + entry.size);
  }

  smallOf(name) {
    const bytes = this.bytesOf(name);
    if (bytes.length > FORMAT.max_small_bytes) throw new Unreadable(`${name} has ${bytes.length} bytes`);
    return bytes;
  }

  async digestOf(name) {
    if (!this.digests.has(name)) this.digests.set(name, await digestOf(this.bytesOf(name)));
    return this.digests.get(name);
  }

  fault(code, text) {
    if (this.faults.length < MOST_FAULTS) this.faults.push(`${code}: ${text}`);
  }

  walk() {
    const found = this.end();
    if (!found) return;
    const [count, begin, end] = found;
    let position = begin, due = 0;
    for (let number = 0; number < count; number += 1) {
      if (end - position < CENTRAL) {
        this.fault("directory_wrong", "the central directory ends before its last entry");
        return;
      }
      const next = this.entry(number, position, due, begin);
      if (!next) return;
      position += next[0];
      due = next[1];
    }
    if (position !== end) this.fault("hidden_bytes", "bytes stand between the central directory and its end");
    if (due !== begin) this.fault("hidden_bytes", "bytes stand between the last entry and the directory");
    this.whole();
  }

  end() {
    const start = this.data.length - END;
    if (start < 0 || this.view.getUint32(start, true) !== 0x06054b50) {
      this.fault("cut_short", "the file does not end as a container does: cut short, or not one");
      return null;
    }
    const short = (at) => this.view.getUint16(start + at, true);
    const count = short(10), size = this.view.getUint32(start + 12, true), offset = this.view.getUint32(start + 16, true);
    if (short(4) || short(6) || short(8) !== count || short(20)) {
      this.fault("directory_wrong", "the end of the directory speaks of comments or of several disks");
    }
    if (count > FORMAT.max_entries) {
      this.fault("too_many_entries", `the container has ${count} entries`);
      return null;
    }
    if (offset + size !== start) this.fault("directory_wrong", "the central directory is not where its end says");
    return [count, Math.min(offset, start), start];
  }

  // Bytes of the entry in the directory, and where the next local header is due; null: give up.
  entry(number, position, due, directory) {
    const short = (at) => this.view.getUint16(position + at, true);
    const long = (at) => this.view.getUint32(position + at, true);
    if (long(0) !== 0x02014b50) {
      this.fault("directory_wrong", `entry ${number} of the central directory is none`);
      return null;
    }
    const flags = short(8), method = short(10), crc = long(16), packed = long(20), size = long(24);
    const nameSize = short(28), extra = short(30), comment = short(32), offset = long(42);
    const raw = this.data.subarray(position + CENTRAL, position + CENTRAL + nameSize);
    const name = this.name(raw);
    this.plain(name, flags, method, packed, size);
    const unusual = short(4) !== VERSION || short(6) !== VERSION || short(12) || short(14) !== DATE || extra || comment ||
      short(34) || short(36) || long(38);
    if (unusual) {
      this.fault("headers_unusual", `${name}: a header of a bundle has no dates, attributes or extra fields`);
    }
    const length = CENTRAL + nameSize + extra + comment, begin = offset + LOCAL + nameSize;
    if (begin + packed > directory || !this.isLocal(offset, position, raw)) {
      this.fault("headers_differ", `${name}: its local header and the central directory do not say the same`);
      return [length, due];
    }
    if (offset !== due) this.fault("hidden_bytes", `${name}: what stands before it belongs to no entry, or to two`);
    this.add(name, { offset: begin, size, crc }, number);
    return [length, begin + packed];
  }

  // Local header: mark, then the ten fields from `needed` on as the directory has them, no extra field, the name.
  isLocal(offset, position, raw) {
    if (offset + LOCAL + raw.length > this.data.length || this.view.getUint32(offset, true) !== 0x04034b50) return false;
    const local = this.data.subarray(offset + 4, offset + 28);
    const central = this.data.subarray(position + 6, position + 30);
    const name = this.data.subarray(offset + LOCAL, offset + LOCAL + raw.length);
    return isSame(local, central) && this.view.getUint16(offset + 28, true) === 0 && isSame(name, raw);
  }

  name(raw) {
    const name = Array.from(raw, (byte) =>
      byte < 0x80 ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0")}`).join("");
    if (raw.length > FORMAT.max_name_bytes || !/^[\x20-\x5b\x5d-\x7e]*$/.test(name) || /\n/.test(name)) {
      this.fault("unsafe_name", `${name.slice(0, FORMAT.max_name_bytes)} is no name of the format`);
    } else if (name.startsWith("/") || name.split("/").includes("..") || name.includes(":")) {
      this.fault("unsafe_name", `${name} leads out of the folder that it would be unpacked in`);
    } else if (name !== "mimetype" && roleOf(name) === null) {
      this.fault("unknown_entry", `${name} is no name of the format`);
    }
    return name;
  }

  plain(name, flags, method, packed, size) {
    if (flags & 1) this.fault("encrypted", `${name} is encrypted`);
    if (flags & 8) this.fault("data_descriptor", `${name} has its size behind its bytes`);
    if (flags & ~9) this.fault("headers_unusual", `${name}: a header of a bundle has no flags`);
    if (method !== 0 || packed !== size) {
      this.fault("compressed", `${name} is compressed; it claims to grow from ${packed} to ${size} bytes`);
    }
    if (size > FORMAT.max_small_bytes && !isBody(name)) this.fault("entry_too_large", `${name} has ${size} bytes`);
  }

  add(name, entry, number) {
    if (this.entries.has(name)) {
      this.fault("duplicate_entry", `${name} stands in the container twice`);
      return;
    }
    this.entries.set(name, entry);
    if ((number === 0) !== (name === "mimetype")) {
      this.fault("mimetype_not_first", `${name} stands as entry ${number}; mimetype alone stands first`);
    }
    if (crcOf(this.bytesOf(name)) !== entry.crc) {
      this.fault("bytes_changed", `the bytes of ${name} do not have their check sum`);
    }
  }

  whole() {
    if (this.has("mimetype") && !isSame(this.bytesOf("mimetype"), bytesOf(FORMAT.media_type))) {
      this.fault("mimetype_wrong", `mimetype does not say ${FORMAT.media_type}`);
    }
    const isAbsence = this.has(FORMAT.absence), roles = isAbsence ? FORMAT.absence_roles : FORMAT.bundle_roles;
    for (const name of isAbsence ? FORMAT.absence_required : FORMAT.required) {
      if (!this.has(name)) this.fault("entry_missing", `there is no entry ${name}`);
    }
    for (const name of this.entries.keys()) {
      const role = roleOf(name);
      if (role && !roles.includes(role)) this.fault("unknown_entry", `${name} has no place in a container of this format`);
    }
  }
}
