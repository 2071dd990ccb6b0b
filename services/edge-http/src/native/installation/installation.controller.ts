import { Controller, Inject, Req } from "@nestjs/common";
import type { FastifyRequest } from "fastify";
import { readInput } from "../input.js";
import { Operates } from "../operates.js";
import { operations } from "../operations.js";
import { NATIVE, type NativeParts } from "../parts.js";
import { Problem } from "../problem.js";
import { SEALING_SERVICES } from "./installation-schemas.js";
import type { SealingServiceName } from "./sealings.js";

/** Sealed boxes that one request looks at. */
const BOXES = 256;

/** What concerns the installation as a whole: carried out by the services, each for what it keeps. */
@Controller()
export class InstallationController {
  constructor(@Inject(NATIVE) private readonly parts: NativeParts) {}

  @Operates(operations.resealInstallation)
  async reseal(@Req() request: FastifyRequest) {
    const key = await this.parts.access.installation(request);
    const { body } = readInput(operations.resealInstallation, request);
    if (!body.check) await this.sameKeyEverywhere();
    const { service, after } = placeOf(body.after);
    const { keyIds, found, resealed, next } = await this.parts.sealings[service].reseal({
      ...{ limit: BOXES, after, check: body.check, decidedBy: `key:${key.id}` },
    });
    return { service, keyIds, found, resealed, next: nextOf(service, next) };
  }

  /** What one service seals by a key that another does not have could not be opened any more. Raises Problem 409. */
  private async sameKeyEverywhere(): Promise<void> {
    const asked = SEALING_SERVICES.map(async (service) => {
      const { keyIds } = await this.parts.sealings[service].reseal({ limit: 0, check: true });
      return { service, keyId: keyIds[0] };
    });
    const all = await Promise.all(asked);
    if (all.every(({ keyId }) => keyId === all[0]?.keyId)) return;
    const told = all.map(({ service, keyId }) => `${service} by ${keyId}`).join(", ");
    throw new Problem(
      409,
      `The services do not seal by the same key: ${told}. Give all of them the same FIELDLOG_INSTALLATION_KEY first.`,
    );
  }
}

function placeOf(after: string | undefined): { service: SealingServiceName; after: string } {
  const [first] = SEALING_SERVICES;
  if (after === undefined) return { service: first, after: "" };
  const colon = after.indexOf(":");
  const service = SEALING_SERVICES.find((one) => one === after.slice(0, colon)) ?? first;
  return { service, after: after.slice(colon + 1) };
}

function nextOf(service: SealingServiceName, next: string): string | null {
  if (next !== "") return `${service}:${next}`;
  const further = SEALING_SERVICES[SEALING_SERVICES.indexOf(service) + 1];
  return further === undefined ? null : `${further}:`;
}
