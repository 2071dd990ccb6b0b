import { obeyOrders } from "../load/worker.js";
import type { Order } from "./orders.js";
import { Client } from "./runs.js";

// A process that has the subscribers of one server, and its publishers: so all times are of one clock.

const client = new Client();
obeyOrders((order: Order) => client.obey(order));
