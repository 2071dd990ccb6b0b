// The suite is run by `main.ts`; what it is made of is for its own tests.
export { completeness } from "./checks/complete.js";
export { Ledger } from "./ledger/ledger.js";
export { scheduleOf } from "./schedule/schedule.js";
