// Lets the tests call the kits: a line of JSON in, a line of JSON out, until standard input ends.
//
// {"operation": name, ...arguments} is answered with {"value": …} or {"error": message}. `now`, in
// milliseconds, is the time that the kits see during the call; without it they see the real one.

import { getPKCECookieNameForState } from "@workos/authkit-session";
import { createInterface } from "node:readline";
import { client, operations as authkit } from "./authkit.mjs";
import { answering, kits, sealedByNode, sealedByOldIronSession } from "./kits.mjs";

const DEADLINE_MS = 60_000; // what takes longer hangs, and would hang the tests
const realTime = Date.now;

const refusal = (error) => ({ refused: String(error?.message ?? error) });

const operations = {
  ...authkit,

  async seal({ kit, cases }) {
    const seal = ({ payload, password, ttl = 0 }) => kits[kit].seal(payload, password, ttl);
    return Promise.all(cases.map(seal));
  },

  async unseal({ kit, cases }) {
    const unseal = ({ sealed, password }) =>
      kits[kit].unseal(sealed, password).then((payload) => ({ payload }), refusal);
    return Promise.all(cases.map(unseal));
  },

  async sealOld({ payload, password, more }) {
    return sealedByOldIronSession(payload, password, more);
  },

  // Every answer of WorkOS as workos-node turns it into an object, and as it seals it.
  async answers({ answers, password, folder }) {
    return Promise.all(
      answers.map(async (answer) => ({
        response: await answering(answer, folder).userManagement.authenticateWithCode({ code: "c" }),
        sealed: await sealedByNode(answer, password, folder),
      })),
    );
  },

  async cookieNames({ states }) {
    return states.map(getPKCECookieNameForState);
  },

  async authenticate({ sealed, config, folder }) {
    const { userManagement } = client(config, folder);
    const { cookiePassword } = config;
    return userManagement.loadSealedSession({ sessionData: sealed, cookiePassword }).authenticate();
  },

  async refresh({ sealed, config, folder, organizationId }) {
    const { userManagement } = client(config, folder);
    const { cookiePassword } = config;
    return userManagement
      .loadSealedSession({ sessionData: sealed, cookiePassword })
      .refresh({ organizationId });
  },

  async exchangeCode({ code, codeVerifier, config, folder }) {
    const session = { sealSession: true, cookiePassword: config.cookiePassword };
    const { userManagement } = client(config, folder);
    return userManagement.authenticateWithCode({ code, codeVerifier, session });
  },
};

function deadline() {
  let timer;
  const expired = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error("no answer in time")), DEADLINE_MS);
  });
  return { expired, clear: () => clearTimeout(timer) };
}

async function answer({ operation, now, ...more }) {
  const { expired, clear } = deadline();
  Date.now = now === undefined ? realTime : () => now;
  try {
    return { value: await Promise.race([operations[operation](more), expired]) };
  } catch (error) {
    return { error: String(error?.stack ?? error) };
  } finally {
    clear();
    Date.now = realTime;
  }
}

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`);
}
process.exit(0); // the kits keep connections open
