// Makes the secrets of an installation, once: plain JavaScript without dependencies, for Node 20 and later.
// Whoever has no Node: docker run --rm --volume .:/work --workdir /work --user "$(id -u)" node:24-slim node deploy/secrets.mjs
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const USAGE = `Makes the secrets of an installation, once.

  node deploy/secrets.mjs [file]                               writes .env for docker compose, or that file
  node deploy/secrets.mjs --kubernetes | kubectl create -f -   prints Secrets for deploy/k8s
  node deploy/secrets.mjs --kubernetes --postgres ...          with that of the plain PostgreSQL (overlay small)

Not kubectl apply: a second run would replace the keys of the first.
`;

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

// Passwords are letters and digits that begin with a letter: they go into URLs, and nats.conf would take others for numbers.
const password = () => `p${randomBytes(24).toString("hex")}`;

const made = {
  FIELDLOG_ADMIN_KEY: `fl_${randomBytes(32).toString("base64url")}`,
  FIELDLOG_INTERNAL_TOKEN: randomBytes(32).toString("base64url"),
  FIELDLOG_INSTALLATION_KEY: randomBytes(32).toString("base64"),
  NATS_PASSWORD: password(),
  POSTGRES_PASSWORD: password(),
  GRAFANA_PASSWORD: password(),
};

const asked = askedFor();
if (asked === undefined) process.exitCode = 2;
else if (asked.help) process.stdout.write(USAGE);
else if (asked.kubernetes) printSecrets(asked);
else writeEnv(asked);

/** undefined: it cannot be understood, and that is said. */
function askedFor() {
  const flag = { type: "boolean", default: false };
  try {
    const options = { kubernetes: flag, postgres: flag, help: { ...flag, short: "h" } };
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    if (positionals.length > (values.kubernetes ? 0 : 1)) throw new Error("There is a name too many.");
    return { ...values, file: positionals[0] ?? join(root, ".env") };
  } catch (error) {
    process.stderr.write(`${error.message}\n\n${USAGE}`);
    return undefined;
  }
}

function writeEnv({ file }) {
  if (existsSync(file)) {
    // Another installation key would make what is sealed unreadable.
    process.stderr.write(`${basename(file)} is there already; it is left as it is\n`);
    process.exitCode = 1;
    return;
  }
  let text = readFileSync(join(root, ".env.example"), "utf8");
  for (const [name, value] of Object.entries(made))
    text = text.replace(`\n${name}=\n`, `\n${name}=${value}\n`);
  writeFileSync(file, text, { mode: 0o600, flag: "wx" });
  process.stdout.write(
    `wrote ${basename(file)}, which nobody else can read. Keep a copy of FIELDLOG_INSTALLATION_KEY elsewhere: ` +
      "lost, all sealed secrets are lost.\n",
  );
}

function printSecrets({ postgres: withPostgres }) {
  const { NATS_PASSWORD: nats, POSTGRES_PASSWORD: postgres } = made;
  const secrets = {
    "fieldlog-installation": {
      FIELDLOG_INTERNAL_TOKEN: made.FIELDLOG_INTERNAL_TOKEN,
      FIELDLOG_INSTALLATION_KEY: made.FIELDLOG_INSTALLATION_KEY,
      FIELDLOG_ADMIN_KEY: made.FIELDLOG_ADMIN_KEY,
    },
    "fieldlog-nats": {
      NATS_PASSWORD: nats,
      ROUTE_PASSWORD: password(),
      FIELDLOG_NATS_URL: `nats://fieldlog:${nats}@nats:4222`,
    },
    // The name and the keys that CloudNativePG gives its own.
    ...(withPostgres && {
      "fieldlog-postgres-app": {
        username: "fieldlog",
        password: postgres,
        uri: `postgresql://fieldlog:${postgres}@fieldlog-postgres-rw:5432/fieldlog`,
      },
    }),
  };
  const documents = Object.entries(secrets).map(([name, stringData]) => ({
    ...{ apiVersion: "v1", kind: "Secret" },
    metadata: { name, namespace: "fieldlog" },
    // Not immutable: keys are exchanged, and what is immutable stays in the memory of nodes whose pods refer to it.
    ...{ type: "Opaque", stringData },
  }));
  process.stdout.write(documents.map((one) => `---\n${JSON.stringify(one, undefined, 2)}\n`).join(""));
}
