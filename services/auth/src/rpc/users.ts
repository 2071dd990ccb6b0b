import { RpcError } from "@fieldlog/rpc";
import type { CreatedUser } from "../decisions/user.js";
import type { Answering, AuthCalls } from "./calls.js";

type Calls = "createUser" | "startSession" | "checkSession" | "endSession";

const never = () => false;

/** People, and their sessions. */
export function userCalls({ users, sessions }: Answering): Pick<AuthCalls, Calls> {
  const start = async (user: CreatedUser) => {
    const { userId, token, expiresAt, sequence } = await sessions.start(user);
    return { userId, token, expiresAt: BigInt(expiresAt), sequence: BigInt(sequence) };
  };
  return {
    createUser: async (asked, { isGone = never }) => start(await users.create(asked, isGone)),
    startSession: async ({ name, password }, { isGone = never }) =>
      start(await users.authenticate(name, password, isGone)),
    checkSession: async ({ tokenHash }) => {
      const session = await sessions.check(tokenHash);
      if (!session) throw new RpcError("unauthenticated", "no such session, or it has expired or ended");
      const { userId, userName, expiresAt } = session;
      return { userId, userName, expiresAt: BigInt(expiresAt) };
    },
    endSession: async ({ tokenHash }) => {
      await sessions.end(tokenHash);
      return {};
    },
  };
}
