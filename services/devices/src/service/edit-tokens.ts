import type { Aggregates, Id } from "@fieldlog/aggregates";
import { limits } from "@fieldlog/contracts";
import type { Capabilities } from "@fieldlog/sealing";
import { device } from "../decisions/device.js";
import { UnknownDevice, UnknownToken } from "../decisions/refusals.js";

/** Tokens with which somebody may edit a device's metadata for {@link limits.editTokenMs}. They are not kept. */
export class EditTokens {
  constructor(
    private readonly aggregates: Pick<Aggregates, "current">,
    private readonly tokens: Capabilities,
    /** ms since 1970 UTC. */
    private readonly now: () => number = Date.now,
  ) {}

  /** Raises UnknownDevice. */
  async create({ namespace, id }: Id): Promise<{ token: string; expiresAt: number }> {
    await this.mustBe({ namespace, id });
    const expiresAt = this.now() + limits.editTokenMs;
    return { token: this.tokens.issue({ namespace, subject: id, expiresAt }), expiresAt };
  }

  /** When the token for that device expires. Raises UnknownToken; UnknownDevice: it was removed meanwhile. */
  async check({ namespace, id }: Id, token: string): Promise<number> {
    const opened = this.tokens.open(token);
    const fits = opened?.namespace === namespace && opened.subject === id;
    if (!fits || opened.expiresAt <= this.now()) throw new UnknownToken();
    await this.mustBe({ namespace, id });
    return opened.expiresAt;
  }

  private async mustBe(id: Id): Promise<void> {
    const { state } = await this.aggregates.current(device, id);
    if (state.phase !== "registered") throw new UnknownDevice();
  }
}
