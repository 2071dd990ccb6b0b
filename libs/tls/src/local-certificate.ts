import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import { issue, makeAuthority, type Pair } from "./issue.js";
import { create, replace } from "./write.js";

export interface CertificateFiles {
  /** The authority's certificate: what clients must trust. */
  readonly ca: string;
  /** The server's certificate and its private key, in one file, which serves for both. */
  readonly server: string;
}

export interface LocalCertificateOptions {
  /** The folder that keeps authority and certificate; made with mode 0700. */
  readonly dir: string;
  /** Names and addresses that the certificate is for. */
  readonly hosts: readonly string[];
  /** Default: now. */
  readonly now?: number;
}

const DAY_MS = 86_400_000;
/** A certificate that ends within these days is renewed. */
const RENEW_DAYS = 30;

/**
 * A certificate for this machine from an authority of its own, made at the first call and kept: the authority
 * for ten years, the certificate for 397 days. It is made anew when it ends within 30 days, lacks one of the hosts,
 * or is not the authority's. Private keys are readable by their owner only. Several processes may call at once:
 * they get one authority, and a certificate and key that belong together.
 */
export async function localCertificate(o: LocalCertificateOptions): Promise<CertificateFiles> {
  const now = o.now ?? Date.now();
  await mkdir(o.dir, { recursive: true, mode: 0o700 });
  const files = { ca: join(o.dir, "ca.pem"), server: join(o.dir, "server.pem") };
  const authority = await keptAuthority(join(o.dir, "ca-key.pem"), now);
  if ((await read(files.ca)) !== authority.certificate) await replace(files.ca, authority.certificate, 0o644);
  if (!isGood(await read(files.server), authority, o.hosts, now)) {
    const { certificate, key } = await issue(authority, o.hosts, now);
    await replace(files.server, certificate + key, 0o600);
  }
  return files;
}

/** The authority in this file, which holds its certificate and its key; a new one where there is none for long enough. */
async function keptAuthority(file: string, now: number): Promise<Pair> {
  const kept = authorityIn(await read(file), now);
  if (kept) return kept;
  const made = await makeAuthority(now);
  await create(file, made.certificate + made.key, (present) => authorityIn(present, now) !== undefined);
  return authorityIn(await read(file), now) ?? made;
}

function authorityIn(text: string, now: number): Pair | undefined {
  const pair = pairIn(text);
  // Whatever it signs must not outlive it.
  return pair && endsLater(pair, now, 398 + RENEW_DAYS) ? pair : undefined;
}

function isGood(text: string, authority: Pair, hosts: readonly string[], now: number): boolean {
  const pair = pairIn(text);
  if (!pair || !endsLater(pair, now, RENEW_DAYS)) return false;
  const certificate = new X509Certificate(pair.certificate);
  const signer = new X509Certificate(authority.certificate);
  const covers = (host: string) =>
    (isIP(host) ? certificate.checkIP(host) : certificate.checkHost(host)) !== undefined;
  return certificate.verify(signer.publicKey) && hosts.every(covers);
}

function endsLater({ certificate }: Pair, now: number, days: number): boolean {
  const { validTo } = new X509Certificate(certificate);
  return Date.parse(validTo) > now + days * DAY_MS;
}

/** A certificate and a key in one text of PEM; undefined when either is missing or damaged. */
function pairIn(text: string): Pair | undefined {
  const block = (kind: string) =>
    new RegExp(`-----BEGIN ${kind}-----[^-]+-----END ${kind}-----\n`).exec(text)?.[0];
  const [certificate, key] = [block("CERTIFICATE"), block("PRIVATE KEY")];
  if (!certificate || !key) return undefined;
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))
      ? { certificate, key }
      : undefined;
  } catch {
    return undefined;
  }
}

/** Empty when there is no such file. */
async function read(file: string): Promise<string> {
  return readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
}
