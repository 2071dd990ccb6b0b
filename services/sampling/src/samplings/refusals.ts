/** What is refused. Each holds what its sender needs to know; `refusal` in `rpc.ts` tells it to callers. */
export class UnknownSampling extends Error {
  override readonly name = "UnknownSampling";
  constructor() {
    super("the device was asked for no such sampling");
  }
}

/** As many samplings wait for the device as may. */
export class TooManySamplings extends Error {
  override readonly name = "TooManySamplings";
  constructor(readonly limit: number) {
    super(`${limit} samplings wait for the device, and no more may`);
  }
}
