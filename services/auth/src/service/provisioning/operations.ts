import { randomUUID } from "node:crypto";
import type { Aggregates, Snapshots } from "@fieldlog/aggregates";
import { limits } from "@fieldlog/contracts";
import { InvalidField } from "@fieldlog/decider";
import { checkAskedId, resolveId, resolveLifetime } from "../../decisions/provisioning-choices.js";
import {
  type Approval,
  approve,
  type BegunOperation,
  begin,
  cancel,
  complete,
  idOf,
  provisioningOperation,
} from "../../decisions/provisioning-operation.js";
import { NotFound, ProvisioningEnded, RegistrationsUsed, TooMany } from "../../decisions/refusals.js";
import type { Lookup } from "../lookup.js";
import type { FoundOperation, OperationList } from "./operation-list.js";
import type { IssuedToken, Registrations } from "./registrations.js";
import type { FoundToken, ProvisioningTokens } from "./tokens.js";
import { newVerificationCode, verificationCode } from "./verification-code.js";
import type { WrongCodes } from "./wrong-codes.js";

/** Of operations: the namespace's verification codes. */
export function codeKey(namespace: string, code: string): string {
  return `${namespace}/${code}`;
}

export interface AskedProvisioning {
  readonly tokenHash: Uint8Array;
  /** Empty: none. */
  readonly deviceId: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly address: string;
}

export interface AskedApproval {
  readonly namespace: string;
  readonly id: string;
  /** Empty: that the device asks for. */
  readonly deviceId: string;
  /** Seconds; 0: it does not expire; absent: as the provisioning token has it. */
  readonly lifetimeS: number | undefined;
  readonly decidedBy: string;
}

export interface OperationsParts {
  readonly aggregates: Aggregates;
  readonly snapshots: Snapshots;
  readonly lookup: Lookup;
  readonly tokens: ProvisioningTokens;
  readonly registrations: Registrations;
  readonly stored: OperationList;
  readonly wrongCodes: WrongCodes;
  /** Raises NamespaceIsDisabled. */
  readonly checkEnabled: (namespace: string) => Promise<void>;
  /** Registers the device unless it is; raises RpcError. */
  readonly ensureDevice: (namespace: string, device: string) => Promise<void>;
  /** ms since 1970 UTC. */
  readonly now: () => number;
}

/** How devices come in: they ask, somebody approves, they fetch their registration token. */
export class Operations {
  constructor(private readonly parts: OperationsParts) {}

  /** Raises NotGood, InvalidField, NamespaceIsDisabled, RegistrationsUsed, TooMany. */
  async begin(asked: AskedProvisioning): Promise<FoundOperation & { sequence: number }> {
    const { tokens, checkEnabled, stored } = this.parts;
    const found = await tokens.withHash(asked.tokenHash);
    const { namespace, token } = found;
    await checkEnabled(namespace);
    checkAskedId(token, asked.deviceId);
    checkAttributes(asked.attributes);
    await this.checkRoom(found, asked.deviceId);
    if ((await stored.waiting(namespace)) >= limits.provisioningOperations) {
      throw new TooMany("provisioning operations", limits.provisioningOperations);
    }
    const approval = token.approved ? approvalOf(token, asked.deviceId) : undefined;
    return this.beginAs(asked, found, approval);
  }

  private async beginAs(
    asked: AskedProvisioning,
    found: FoundToken,
    approval: Approval | undefined,
  ): Promise<FoundOperation & { sequence: number }> {
    const { aggregates, now } = this.parts;
    const { namespace } = found;
    const id = randomUUID();
    const verification = await this.unusedCode(namespace);
    const { deviceId, address, attributes } = asked;
    const value = { provisioningToken: found.id, deviceId, verificationCode: verification };
    const decide = begin({ ...value, address, attributes }, approval, now());
    const by = `provisioning-token:${found.id}`;
    const { snapshot } = await aggregates.transact(provisioningOperation, { namespace, id }, decide, by);
    return { id, operation: snapshot.state as BegunOperation, sequence: snapshot.sequence };
  }

  private async unusedCode(namespace: string): Promise<string> {
    for (;;) {
      const code = newVerificationCode();
      const key = codeKey(namespace, code);
      if ((await this.parts.snapshots.find(provisioningOperation, key)).length === 0) return code;
    }
  }

  /** Raises RegistrationsUsed. */
  private async checkRoom(found: FoundToken, device: string): Promise<void> {
    const { registrations } = this.parts;
    const { registrations: most } = found.token;
    if (most === undefined || (await registrations.count(found.id)) < most) return;
    if (device === "" || !(await registrations.cameWith(found, device))) throw new RegistrationsUsed(most);
  }

  /** By id or verification code; wrong codes are counted. Raises NotFound, TooManyWrongCodes, LogUnavailable. */
  async get(namespace: string, idOrCode: string, askedBy: string): Promise<FoundOperation> {
    const code = verificationCode(idOrCode);
    if (code === undefined) return { id: idOrCode, operation: await this.withId(namespace, idOrCode) };
    const right = await this.parts.wrongCodes.begin({ namespace, id: askedBy });
    const found = await this.withCode(namespace, code);
    if (found === undefined) throw new NotFound("provisioning operation");
    await right();
    return found;
  }

  private async withId(namespace: string, id: string): Promise<BegunOperation> {
    const { state } = await this.parts.aggregates.current(provisioningOperation, { namespace, id });
    if (state.phase === "none") throw new NotFound("provisioning operation");
    return state;
  }

  /** That which waits, else the newest. */
  private async withCode(namespace: string, code: string): Promise<FoundOperation | undefined> {
    const { lookup, aggregates, now } = this.parts;
    const found = await lookup.find(provisioningOperation, codeKey(namespace, code), async (at) => {
      const { state } = await aggregates.current(provisioningOperation, at);
      return state.phase === "none" ? undefined : { id: at.id, operation: state };
    });
    const waits = ({ phase, expiresAt }: BegunOperation) => phase === "pending" && expiresAt > now();
    return found.sort(
      ({ operation: a }, { operation: b }) => Number(waits(b)) - Number(waits(a)) || b.number - a.number,
    )[0];
  }

  /** Registers the device as well. Raises NotFound, InvalidField, ProvisioningEnded, RpcError. */
  async approve(asked: AskedApproval): Promise<FoundOperation & { sequence: number }> {
    const { aggregates, tokens, ensureDevice, now } = this.parts;
    const { namespace, id, deviceId: chosen, decidedBy } = asked;
    const operation = await this.withId(namespace, id);
    const token = await tokens.withId(namespace, operation.provisioningToken);
    // Approved again without a word: with the id that it has.
    const before = chosen === "" ? idOf(operation) : "";
    const { askedId } = operation;
    const deviceId = before || resolveId(token, { asked: askedId, chosen, made: randomUUID() });
    const lifetime = before === "" ? resolveLifetime(token, asked.lifetimeS) : undefined;
    const approval = { deviceId, ...(lifetime === undefined ? {} : { registrationLifetimeS: lifetime }) };
    const decide = approve(approval, now());
    // Refused before a device is registered for it.
    decide(operation);
    await ensureDevice(namespace, deviceId);
    const at = { namespace, id };
    const { snapshot } = await aggregates.transact(provisioningOperation, at, decide, decidedBy);
    return { id, operation: snapshot.state as BegunOperation, sequence: snapshot.sequence };
  }

  /** Asked twice, succeeds twice. Raises NotFound, ProvisioningEnded. */
  async cancel(namespace: string, id: string, decidedBy: string): Promise<number> {
    const at = { namespace, id };
    const decide = cancel(this.parts.now());
    const done = await this.parts.aggregates.transact(provisioningOperation, at, decide, decidedBy);
    return done.snapshot.sequence;
  }

  /**
   * The device comes for its registration token; undefined: nobody has approved it yet.
   *
   * @throws NotGood, NotFound, ProvisioningEnded, NamespaceIsDisabled, RegistrationsUsed, RpcError
   */
  async complete(tokenHash: Uint8Array, id: string): Promise<IssuedToken | undefined> {
    const { aggregates, tokens, registrations, checkEnabled, ensureDevice, now } = this.parts;
    const found = await tokens.withHash(tokenHash);
    const { namespace } = found;
    await checkEnabled(namespace);
    const operation = await this.withId(namespace, id);
    if (operation.provisioningToken !== found.id) throw new NotFound("provisioning operation");
    const { result: approved } = complete(now())(operation);
    if (approved === undefined) return undefined;
    await this.checkRoom(found, approved.deviceId);
    await ensureDevice(namespace, approved.deviceId);
    const at = { namespace, id };
    const by = `device:${approved.deviceId}`;
    // Decided on the newest state: it may have been cancelled meanwhile.
    const { result } = await aggregates.transact(provisioningOperation, at, complete(now()), by);
    if (result === undefined) throw new ProvisioningEnded("pending");
    const { deviceId, registrationLifetimeS: lifetimeS } = result;
    return registrations.issue(found, deviceId, { operation: id, lifetimeS });
  }
}

/** Where nobody needs to approve. The device is registered when it comes: only then it counts as a registration. */
function approvalOf(token: FoundToken["token"], asked: string): Approval {
  const deviceId = resolveId(token, { asked, chosen: "", made: randomUUID() });
  const lifetime = resolveLifetime(token, undefined);
  return { deviceId, ...(lifetime === undefined ? {} : { registrationLifetimeS: lifetime }) };
}

/** What a device may say of itself: so many names and characters. */
const ATTRIBUTES = 32;

function checkAttributes(attributes: Readonly<Record<string, string>>): void {
  const entries = Object.entries(attributes);
  const isText = (text: string) => text.length <= limits.textLength && !text.includes("\u0000");
  if (entries.length <= ATTRIBUTES && entries.flat().every(isText)) return;
  throw new InvalidField(
    "attributes",
    `must be at most ${ATTRIBUTES} texts of at most ${limits.textLength} characters`,
  );
}
