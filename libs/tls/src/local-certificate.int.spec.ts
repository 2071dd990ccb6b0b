import { X509Certificate } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkServerIdentity, connect, createServer, type TLSSocket } from "node:tls";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type CertificateFiles, localCertificate } from "./local-certificate.js";

const DAY_MS = 86_400_000;
const HOSTS = ["localhost", "127.0.0.1", "::1", "cellar.example"];

describe("a local certificate", () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "fieldlog-tls-"));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));
  const make = (hosts: readonly string[] = HOSTS, now?: number) =>
    localCertificate({ dir: join(dir, "tls"), hosts, ...(now !== undefined && { now }) });

  it("is accepted by a client that trusts the authority, under each of its names", async () => {
    const files = await make();
    for (const name of HOSTS) expect(await handshake(files, name)).toBe("TLSv1.3");
  });

  it("is refused under another name, and by who does not trust the authority", async () => {
    const files = await make();
    await expect(handshake(files, "attic.example")).rejects.toMatchObject({
      code: "ERR_TLS_CERT_ALTNAME_INVALID",
    });
    const other = await localCertificate({ dir: join(dir, "other"), hosts: HOSTS });
    await expect(handshake({ ...files, ca: other.ca }, "localhost")).rejects.toThrow(/certificate/);
  });

  it("is an end entity of an authority that can sign no further authority", async () => {
    const files = await make();
    const [ca, server] = await Promise.all([certificate(files.ca), certificate(files.server)]);
    expect([ca.ca, server.ca]).toEqual([true, false]);
    expect(server.checkIssued(ca)).toBe(true);
    expect(days(ca)).toBeGreaterThan(3_650);
    expect(days(server)).toBeLessThanOrEqual(397);
  });

  it("has keys that only their owner reads, and an authority that anybody may", async () => {
    const files = await make();
    const mode = async (file: string) => (await stat(file)).mode & 0o777;
    expect(await mode(join(dir, "tls"))).toBe(0o700);
    expect(await mode(files.server)).toBe(0o600);
    expect(await mode(join(dir, "tls", "ca-key.pem"))).toBe(0o600);
    expect(await mode(files.ca)).toBe(0o644);
    expect(await readFile(files.ca, "utf8")).not.toContain("PRIVATE");
    expect((await readdir(join(dir, "tls"))).sort()).toEqual(["ca-key.pem", "ca.pem", "server.pem"]);
  });

  it("is kept as long as it is good", async () => {
    const before = await texts(await make());
    expect(await texts(await make())).toEqual(before);
    expect(await texts(await make(["127.0.0.1"], Date.now() + 365 * DAY_MS))).toEqual(before);
  });

  it("is renewed by the same authority when it ends within 30 days, or lacks a host", async () => {
    const first = await texts(await make());
    const wider = await texts(await make([...HOSTS, "192.0.2.7"]));
    expect(wider.ca).toBe(first.ca);
    expect(wider.server).not.toBe(first.server);
    const later = await texts(await make(HOSTS, Date.now() + 368 * DAY_MS));
    expect(later.ca).toBe(first.ca);
    expect(later.server).not.toBe(wider.server);
  });

  it("comes from a new authority when the old one would end before it", async () => {
    const first = await texts(await make());
    const files = await make(HOSTS, Date.now() + 9 * 365 * DAY_MS);
    const later = await texts(files);
    expect(later.ca).not.toBe(first.ca);
    expect((await certificate(files.server)).checkIssued(await certificate(files.ca))).toBe(true);
  });

  it("is made anew when its file is damaged", async () => {
    const files = await make();
    await writeFile(files.server, (await readFile(files.server, "utf8")).slice(0, 400));
    expect(await handshake(await make(), "localhost")).toBe("TLSv1.3");
    await writeFile(join(dir, "tls", "ca-key.pem"), "damaged");
    expect(await handshake(await make(), "localhost")).toBe("TLSv1.3");
  });

  it("has one authority, however many ask at once", async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => make()));
    const [files] = all as [CertificateFiles, ...CertificateFiles[]];
    expect(await handshake(files, "localhost")).toBe("TLSv1.3");
    expect((await readdir(join(dir, "tls"))).sort()).toEqual(["ca-key.pem", "ca.pem", "server.pem"]);
  });
});

/** The protocol that client and server came to; raises what the client objects to. */
async function handshake(files: CertificateFiles, servername: string): Promise<string | null> {
  const [pem, ca] = await Promise.all([readFile(files.server), readFile(files.ca)]);
  const server = createServer({ cert: pem, key: pem }, (socket) => socket.end());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    return await new Promise((resolve, reject) => {
      const socket: TLSSocket = connect(
        { port, host: "127.0.0.1", ca, checkServerIdentity: identityOf(servername) },
        () => {
          resolve(socket.getProtocol());
          socket.destroy();
        },
      );
      socket.on("error", reject);
    });
  } finally {
    server.close();
  }
}

/** As if the client had reached it under this name. */
function identityOf(name: string) {
  return (_host: string, peer: Parameters<typeof checkServerIdentity>[1]) => checkServerIdentity(name, peer);
}

const certificate = async (file: string) => new X509Certificate(await readFile(file));
const days = (one: X509Certificate) => (Date.parse(one.validTo) - Date.parse(one.validFrom)) / DAY_MS;
const texts = async (files: CertificateFiles) => ({
  ca: await readFile(files.ca, "utf8"),
  server: await readFile(files.server, "utf8"),
});
