export {
  type Decider,
  type DecisionPoint,
  fold,
  type Outcome,
  type RegistryEvent,
  type Snapshot,
} from "./decider.js";
export { InvalidField } from "./refusals.js";
export {
  current,
  type DecisionLog,
  TooManyConflicts,
  type Transaction,
  type TransactOptions,
  transact,
} from "./transact.js";
