import type { Aggregates } from "@fieldlog/aggregates";
import { limits, type signals } from "@fieldlog/contracts";
import { InvalidField } from "@fieldlog/decider";
import { checkCount } from "../decisions/accepted.js";
import {
  acknowledgeConfigurations,
  type Configuration,
  configuration,
  configurationOf,
  createConfiguration,
  publishConfigurations,
} from "../decisions/configuration.js";
import { device } from "../decisions/device.js";
import { jsonObject } from "../decisions/json-object.js";
import { UnknownDevice } from "../decisions/refusals.js";
import { Turns } from "./turns.js";

/** Times that a decision is taken again: other replicas decide on the same device, as does the outbox. */
const ATTEMPTS = 64;

/** What devices are to be configured as. Raises the refusals of its decisions, and what Aggregates raises. */
export class Configurations {
  /** Decisions of this process on one device wait for each other, instead of all but one being in vain. */
  private readonly turns = new Turns();

  constructor(private readonly aggregates: Aggregates) {}

  /** The next revision of a device that lives. */
  async create(namespace: string, id: string, valueJson: string, decidedBy: string) {
    const kept = jsonObject(valueJson, "value_json");
    if (!(await this.lives(namespace, id))) throw new UnknownDevice();
    const done = await this.decide(namespace, id, createConfiguration(kept), decidedBy);
    return { revision: done.result, sequence: done.snapshot.sequence };
  }

  /** A device's answers, in their order; those to what there is not have no effect. */
  async acknowledge(
    namespace: string,
    id: string,
    answers: readonly signals.Acknowledgment[],
  ): Promise<void> {
    checkCount(answers, limits.elementsPerMessage, "acknowledgments");
    for (const [index, { occurredAt }] of answers.entries()) {
      if (!Number.isFinite(occurredAt)) {
        throw new InvalidField(`acknowledgments[${index}].occurred_at`, "is not a finite number");
      }
    }
    const decide = async (state: Configuration) => {
      const outcome = acknowledgeConfigurations(answers)(state);
      const effective = outcome.events.length > 0 && (await this.lives(namespace, id));
      return effective ? outcome : { events: [], result: undefined };
    };
    await this.decide(namespace, id, decide, `device:${id}`);
  }

  /** Those revisions are in the signals. */
  async published(namespace: string, id: string, revisions: readonly number[]): Promise<void> {
    await this.decide(namespace, id, publishConfigurations(revisions), "system");
  }

  /** As of the newest decision in the log. */
  async get(namespace: string, id: string): Promise<Configuration> {
    return (await this.aggregates.current(configuration, configurationOf(namespace, id))).state;
  }

  private decide<Result>(
    namespace: string,
    id: string,
    decide: Parameters<typeof this.aggregates.transact<Configuration, Result>>[2],
    decidedBy: string,
  ) {
    const aggregate = configurationOf(namespace, id);
    return this.turns.take(JSON.stringify([namespace, id]), () =>
      this.aggregates.transact(configuration, aggregate, decide, decidedBy, { attempts: ATTEMPTS }),
    );
  }

  private async lives(namespace: string, id: string): Promise<boolean> {
    return (await this.aggregates.current(device, { namespace, id })).state.phase === "registered";
  }
}
