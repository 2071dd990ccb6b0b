import { limits, type sampling } from "@fieldlog/contracts";
import { RpcError, type ServiceImpl } from "@fieldlog/rpc";
import type { Capabilities } from "@fieldlog/sealing";

type Calls = Pick<ServiceImpl<typeof sampling.SamplingService>, "createViewToken" | "checkViewToken">;

/**
 * Tokens with which anybody can see what a device's camera sees: what a browser's `<img>` can carry, which has no
 * headers. They are made here and not by the doors, so that these need not hold the installation's key.
 *
 * @param now ms since 1970 UTC
 */
export function viewTokens(tokens: Capabilities, now: () => number): Calls {
  return {
    async createViewToken({ namespace, device, validS }) {
      const ms = validS === 0 ? limits.viewTokenMs : validS * 1_000;
      if (ms > limits.longestViewTokenMs) {
        const most = limits.longestViewTokenMs / 1_000;
        throw new RpcError("invalid_argument", `a token is good for at most ${most} s`, { field: "validS" });
      }
      const expiresAt = now() + ms;
      return {
        token: tokens.issue({ namespace, subject: device, expiresAt }),
        expiresAt: BigInt(expiresAt),
      };
    },
    async checkViewToken({ token }) {
      const found = tokens.open(token);
      if (found === undefined || found.expiresAt <= now()) {
        throw new RpcError("not_found", "this is no token, or its time is over");
      }
      const { namespace, subject: device, expiresAt } = found;
      return { namespace, device, expiresAt: BigInt(expiresAt) };
    },
  };
}
