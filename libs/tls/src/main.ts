import { localCertificate } from "./local-certificate.js";
import { localHosts } from "./local-hosts.js";

// `node main.js <folder> [host…]`: a certificate of an authority of its own, for who runs the services as containers.
const [dir, ...hosts] = process.argv.slice(2);
if (dir === undefined) {
  process.stderr.write("usage: main.js <folder> [host…]\n");
  process.exitCode = 2;
} else {
  // Several in one argument come from a variable of docker compose.
  const more = hosts.flatMap((host) => host.split(/\s+/)).filter((host) => host !== "");
  const { ca, server } = await localCertificate({ dir, hosts: [...new Set([...localHosts({}), ...more])] });
  process.stdout.write(`certificate and key: ${server}\ntrusted by who trusts: ${ca}\n`);
}
