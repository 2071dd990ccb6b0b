import { limits } from "@fieldlog/contracts";
import { RpcError } from "@fieldlog/rpc";
import type { NativeParts } from "../../parts.js";
import { Problem } from "../../problem.js";
import type { Filter } from "../asked.js";
import { type ReadableSample, readable } from "../contents.js";

export interface Walked {
  readonly namespace: string;
  readonly filter: Filter;
  /** REGISTRY sequence that the answer must have seen. */
  readonly atLeast: bigint;
}

type Sampling = Pick<NativeParts["sampling"], "listSamples" | "getSample" | "countSamples">;

const PAGE = 100;

/** Raises Problem 400: more samples than one export may have. */
export async function checkSize(sampling: Sampling, walked: Walked): Promise<void> {
  const { counts } = await sampling.countSamples({ ...walked });
  const samples = counts.reduce((sum, one) => sum + Number(one.samples), 0);
  if (samples <= limits.samplesPerExport) return;
  throw new Problem(
    400,
    `These are ${samples} samples, and an export has at most ${limits.samplesPerExport}. Ask for fewer.`,
  );
}

/** Every sample that is asked for, in order, with what its bytes are read with; those that go meanwhile are left out. */
export async function* walk(sampling: Sampling, walked: Walked): AsyncGenerator<ReadableSample, void> {
  const { namespace } = walked;
  let after: bigint | undefined = 0n;
  while (after !== undefined) {
    const page: Awaited<ReturnType<Sampling["listSamples"]>> = await sampling.listSamples({
      ...{ ...walked, limit: PAGE, after },
    });
    for (const { number } of page.samples) {
      const found = await sampling.getSample({ namespace, number }).catch(unlessGone);
      if (found !== undefined && found.key.length > 0) yield readable(found);
    }
    after = page.next;
  }
}

function unlessGone(error: unknown): undefined {
  if (error instanceof RpcError && error.code === "not_found") return undefined;
  throw error;
}
