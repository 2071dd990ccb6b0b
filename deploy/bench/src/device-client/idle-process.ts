import { obeyOrders } from "../load/worker.js";

// A process that does nothing: what Node alone needs.

obeyOrders(async () => null);
