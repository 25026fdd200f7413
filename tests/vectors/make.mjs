// Writes what the JavaScript kits write and read: the seals that tests/seal/test_seal_kits.py reads,
// and, in make_sessions.mjs, what tests/test_kit_vectors.py reads.
//
//   make interop && node tests/vectors/make.mjs [file to write]…
//
// Salts and initialisation vectors are random, so every run gives other seals of the same cases.

import { writeFileSync } from "node:fs";
import { accessToken, kits, sealedByOldIronSession, versionOf } from "../interop/kits.mjs";
import { sessionVectors } from "./make_sessions.mjs";

const NOW = Date.UTC(2026, 0, 1);
Date.now = () => NOW; // the kits ask nothing else for the time, so expiries are the same each run

const withoutSuffix = (sealed) => sealed.split("~")[0];
const asked = process.argv.slice(2);

const password = "correct-horse-battery-staple-0123";
const session = {
  accessToken,
  refreshToken: "refresh_1",
  user: { object: "user", id: "user_1", firstName: null, metadata: {} },
};
let nested = { depth: 0 };
for (let depth = 1; depth < 48; depth += 1) nested = { depth, inner: [nested] };

const cases = [
  { name: "session", payload: session },
  { name: "unicode", payload: { text: "Zoë 😀 \u2028 \u0000 \u007f \"\\/\b\t", "ключ": "é e\u0301" } },
  { name: "lone surrogates", payload: { high: "\ud83d", low: "\ude00 \\\ud83d" } },
  { name: "nulls and empties", payload: { a: null, b: [], c: {}, d: "", e: false, "": [null] } },
  { name: "numbers", payload: { a: [0, -0, 0.1, 1e21, 5e-324, 2 ** 53, -1.5e300, 42] } },
  { name: "nested", payload: nested },
  { name: "8 KB", payload: { text: "0123456789abcdef".repeat(512) } },
  { name: "block boundary", payload: { text: "x".repeat(16 - 11) } },
  { name: "32 UTF-16 units", payload: session, password: "😀".repeat(16) },
  { name: "unnormalised password", payload: session, password: "e\u0301".repeat(16) + "\u00e9" },
  { name: "long password", payload: session, password: "0123456789".repeat(30) },
  { name: "expiry", payload: session, ttl: 600 },
  { name: "rotation", payload: session, password: { 1: `${password}-old`, 2: `${password}-new` } },
];

// One case a line. Beside what all cases share there is one list, which comes last.
function write(file, vectors) {
  if (asked.length > 0 && !asked.includes(file)) return;
  const [[name, list], ...head] = Object.entries(vectors).reverse();
  const lines = list.map((one) => JSON.stringify(one)).join(",\n");
  const open = JSON.stringify(Object.fromEntries(head.reverse())).slice(0, -1);
  writeFileSync(new URL(file, import.meta.url), `${open},"${name}":[\n${lines}\n]}\n`);
}

async function opens(kit, sealed, key) {
  return kit.unseal(sealed, key).then(
    () => true,
    () => false,
  );
}

for (const [maker, kit] of Object.entries(kits)) {
  const seals = [];
  for (const { name, payload, password: own = password, ttl = 0 } of cases) {
    if ((ttl && !kit.expires) || (typeof own !== "string" && !kit.rotates)) continue;
    const sealed = await kit.seal(payload, own, ttl);
    // What counts is what the maker itself reads back.
    seals.push({ name, password: own, ttl, payload: await kit.unseal(sealed, own), sealed });
  }
  const file = `${maker.replace("@", "").replace("/", "-")}.json`;
  write(file, { maker, version: versionOf(maker), now: NOW, seals });
}

const wrappers = [
  { name: "persistent and flash", more: { flash: {} } },
  { name: "persistent alone", more: {} },
];
const old = [];
for (const { name, more } of wrappers) {
  const sealed = await sealedByOldIronSession(session, password, more);
  const read = await kits["iron-session"].unseal(sealed, password);
  old.push({ name, password, ttl: 0, payload: read, sealed });
}
write("old-iron-session.json", {
  maker: "@hapi/iron",
  version: versionOf("@hapi/iron"),
  now: NOW,
  seals: old,
});

const FIELDS = ["prefix", "id", "salt", "iv", "ciphertext", "exp", "MAC salt", "MAC"];
const BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const good = await kits["iron-session"].seal(session, password, 600);
const parts = withoutSuffix(good).split("*");
const join8 = (fields) => `${fields.join("*")}~2`;
const withField = (index, change) =>
  join8(parts.map((field, at) => (at === index ? change(field) : field)));
const otherFirst = (text) => (text[0] === "2" ? "3" : "2") + text.slice(1);
const otherBits = (text) => text.slice(0, -1) + BASE64URL[BASE64URL.indexOf(text.at(-1)) ^ 1];

const tampered = [["unchanged", good]];
FIELDS.forEach((field, index) => {
  tampered.push([`${field} changed`, withField(index, otherFirst)]);
  tampered.push([`${field} empty`, withField(index, () => "")]);
  tampered.push([`${field} doubled`, withField(index, (text) => text + text)]);
  tampered.push([`${field} missing`, join8(parts.filter((_, at) => at !== index))]);
});
tampered.push(
  ["IV padding bits", withField(3, otherBits)],
  ["MAC padding bits", withField(7, otherBits)],
  ["MAC padded", withField(7, (text) => `${text}=`)],
  ["MAC in upper case", withField(7, (text) => text.toUpperCase())],
  ["salt in upper case", withField(2, (text) => text.toUpperCase())],
  ["MAC salt in upper case", withField(6, (text) => text.toUpperCase())],
  ["exp an hour later", withField(5, (text) => String(Number(text) + 3_600_000))],
  ["exp with a leading zero", withField(5, (text) => `0${text}`)],
  ["id of another password", withField(1, () => "2")],
  ["a ninth field", join8([...parts, ""])],
  ["percent-encoded", encodeURIComponent(good).replaceAll("*", "%2A")],
  ["line feed at the end", `${good}\n`],
  ["space before", ` ${good}`],
  ["suffix dropped", withoutSuffix(good)],
  ["suffix empty", `${withoutSuffix(good)}~`],
  ["suffix ~1", `${withoutSuffix(good)}~1`],
  ["suffix ~3", `${withoutSuffix(good)}~3`],
  ["suffix ~02", `${withoutSuffix(good)}~02`],
  ["suffix twice", `${good}~2`],
  ["another password", await kits["iron-session"].seal(session, `${password}-other`, 600)],
  ["expired", await kits["iron-session"].seal(session, password, -61)],
  ["within the skew", await kits["iron-session"].seal(session, password, -59)],
);

const seals = [];
for (const [name, sealed] of tampered) {
  const verdicts = {};
  for (const [reader, kit] of Object.entries(kits)) {
    verdicts[reader] = await opens(kit, sealed, password);
  }
  seals.push({ name, sealed, opens: verdicts });
}
write("tampered.json", {
  maker: "iron-session",
  version: versionOf("iron-session"),
  now: NOW,
  password,
  payload: session,
  seals,
});

for (const [file, vectors] of Object.entries(await sessionVectors(NOW))) write(file, vectors);
