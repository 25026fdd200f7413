// Authenticates by the kits for Node, as often as it is told: a line of JSON for each question and
// for each answer. Their signing keys are fetched once, from the emulator.

import { createInterface } from "node:readline";

const KIT = "workos-node-10";
let kits;
try {
  kits = {
    ...(await import("../interop/kits.mjs")),
    ...(await import("../interop/authkit.mjs")),
  };
} catch (error) {
  if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
}

const refused = (name) => new Error(`${name} refused the session, so its time means nothing`);

const peers = {
  "@workos-inc/node": async ({ config, sealed }) => {
    const workos = kits.client(config, KIT);
    const { cookiePassword } = config;
    return async () => {
      const session = workos.userManagement.loadSealedSession({
        sessionData: sealed,
        cookiePassword,
      });
      if (!(await session.authenticate()).authenticated) throw refused("@workos-inc/node");
    };
  },
  "@workos/authkit-session": async ({ config, sealed }) => {
    const service = kits.service({ config, folder: KIT });
    return async () => {
      const { auth } = await service.withAuth({ "wos-session": sealed });
      if (!auth.user) throw refused("@workos/authkit-session");
    };
  },
};

const versions = () =>
  kits === undefined
    ? {}
    : {
        "@workos-inc/node": `@workos-inc/node ${kits.versionOf(KIT)}`,
        "@workos/authkit-session": `@workos/authkit-session ${kits.versionOf("@workos/authkit-session")}`,
      };

async function made({ answer, password, base_url, client_id }) {
  const { hostname, port } = new URL(base_url);
  const config = {
    clientId: client_id,
    redirectUri: "http://localhost:8000/callback",
    cookiePassword: password,
    apiHostname: hostname,
    apiPort: Number(port),
    apiHttps: false,
  };
  const sealed = await kits.sealedByNode(answer, password, KIT);
  const entries = Object.entries(peers).map(async ([name, make]) => [
    name,
    await make({ config, sealed }),
  ]);
  return Object.fromEntries(await Promise.all(entries));
}

let ready = {};
for await (const line of createInterface({ input: process.stdin })) {
  const { payload, name, times } = JSON.parse(line);
  let said;
  try {
    if (payload !== undefined) {
      if (payload !== null && kits !== undefined) ready = await made(payload);
      said = { versions: versions() };
    } else {
      await ready[name](); // untimed, as in rounds.py
      const begin = process.hrtime.bigint();
      for (let count = 0; count < times; count += 1) await ready[name]();
      said = { seconds: Number(process.hrtime.bigint() - begin) / 1e9 };
    }
  } catch (error) {
    said = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(said)}\n`);
}
