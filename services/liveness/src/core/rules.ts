import { limits } from "@fieldlog/contracts";

/** When a device is late, and when inactive: seconds since its last sign of life. */
export interface Rule {
  readonly heartbeatS: number;
  readonly inactiveAfterS: number;
}

/** What a namespace says; undefined: the default of the device's dialect. */
export interface LivenessSettings {
  readonly heartbeatS: number | undefined;
  readonly inactiveAfterS: number | undefined;
}

/** Seconds that a sign of life may be under way before its device is called late. */
export const GRACE_S = 60;

/** Which rule holds for which device: its namespace's, else its dialect's, else the general one. */
export class Rules {
  private readonly settings = new Map<string, LivenessSettings>();
  private readonly kept = new Map<string, Map<string, Rule>>();
  private readonly general: Rule = { heartbeatS: limits.heartbeatS, inactiveAfterS: limits.inactiveAfterS };

  /** @param dialects those with a rule of their own */
  constructor(private readonly dialects: Readonly<Record<string, Rule>> = {}) {}

  of(namespace: string, dialect: string): Rule {
    let own = this.kept.get(namespace);
    if (own === undefined) {
      own = new Map();
      this.kept.set(namespace, own);
    }
    let rule = own.get(dialect);
    if (rule === undefined) {
      rule = this.make(namespace, dialect);
      own.set(dialect, rule);
    }
    return rule;
  }

  set(namespace: string, settings: LivenessSettings): void {
    this.settings.set(namespace, settings);
    this.kept.delete(namespace);
  }

  private make(namespace: string, dialect: string): Rule {
    const usual = Object.hasOwn(this.dialects, dialect) ? (this.dialects[dialect] as Rule) : this.general;
    const said = this.settings.get(namespace);
    return {
      heartbeatS: said?.heartbeatS ?? usual.heartbeatS,
      inactiveAfterS: said?.inactiveAfterS ?? usual.inactiveAfterS,
    };
  }
}
