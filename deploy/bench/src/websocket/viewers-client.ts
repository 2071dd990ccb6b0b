import { obeyOrders } from "../load/worker.js";
import type { ViewersOrder } from "./orders.js";
import { Viewers } from "./viewers.js";

// A process of its own, so that who looks does not delay who samples.

const viewers = new Viewers();
obeyOrders((order: ViewersOrder) => viewers.obey(order));
