import { obeyOrders } from "../load/worker.js";
import { Devices } from "./devices.js";
import type { DevicesOrder } from "./orders.js";

// A process that has the devices, and asks them to sample: so all times are of one clock.

const devices = new Devices();
obeyOrders((order: DevicesOrder) => devices.obey(order));
