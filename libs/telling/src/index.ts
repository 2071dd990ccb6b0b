// For services whose decisions are told to subscribers.
export { eventSignal, type ToldEvent } from "./event-signal.js";
export { type DecisionToTell, Teller, type TellerOptions } from "./teller.js";
