const ENCODER = new TextEncoder();
const bytesOf = (text) => ENCODER.encode(text);
const hexOf = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

function isSame(left, right) {
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}

function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) { whole.set(part, at); at += part.length; }
  return whole;
}

async function digestOf(bytes, name = "SHA-256") {
  return new Uint8Array(await crypto.subtle.digest(name, bytes));
}

// UTF-8 and nothing else; a byte order mark stays what it is.
function textOf(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new Unreadable("that is not UTF-8");
  }
}

function base64Of(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

// Base 64 in its one form, so that nothing has two spellings.
function fromBase64(text) {
  let raw;
  try {
    raw = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch (error) {
    throw new Unreadable("that is not base 64");
  }
  if (base64Of(raw) !== text) throw new Unreadable("that is not base 64 in its one form");
  return raw;
}

// One character a byte, for finding ASCII in bytes that may be no text.
const looked = (bytes) => new TextDecoder("latin1").decode(bytes);

// JSON that says one thing to every reader: written again it has the same bytes. So no name stands twice, and no
// number is larger than this language holds. `indent` is how the gateway writes that file.
function jsonOf(bytes, indent) {
  const text = textOf(bytes);
  let value;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Unreadable(`that is no JSON: ${error.message}`);
  }
  const again = JSON.stringify(value, null, indent) + (indent ? "\n" : "");
  // no escapes but those of control characters: half of a surrogate pair is no text
  return { value, isPlain: again === text && !/\\u[^0]/.test(text) };
}

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const fieldOf = (value, name) => (isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined);

// The part of JSON Schema that the shape of bundle.json is written in; a sentence, or "" when it fits.
function misfit(value, schema, where = "", defs = FORMAT.facts.$defs) {
  if (schema.$ref) return misfit(value, defs[schema.$ref.split("/")[2]], where, defs);
  if (schema.anyOf) {
    const told = schema.anyOf.map((each) => misfit(value, each, where, defs));
    return told.includes("") ? "" : told[0];
  }
  if (schema.enum) return schema.enum.includes(value) ? "" : `${where} is ${JSON.stringify(value)}`;
  const is = {
    string: typeof value === "string",
    integer: Number.isSafeInteger(value),
    boolean: typeof value === "boolean",
    null: value === null,
    array: Array.isArray(value),
    object: isObject(value),
  };
  if (schema.type && !is[schema.type]) return `${where || "it"} is no ${schema.type}`;
  if (schema.type === "array" && schema.items) {
    for (const [at, each] of value.entries()) {
      const told = misfit(each, schema.items, `${where}[${at}]`, defs);
      if (told) return told;
    }
  }
  if (schema.type !== "object") return "";
  for (const name of schema.required || []) if (!Object.hasOwn(value, name)) return `${where} lacks ${name}`;
  for (const [name, each] of Object.entries(value)) {
    const known = schema.properties && Object.hasOwn(schema.properties, name);
    const part = known ? schema.properties[name] : schema.additionalProperties;
    if (part === false) return `${where} holds ${name}, which is not known`;
    const told = isObject(part) ? misfit(each, part, `${where}.${name}`, defs) : "";
    if (told) return told;
  }
  return "";
}
